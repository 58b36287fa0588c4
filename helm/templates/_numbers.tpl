{{/* Bytes of a quantity in Ki, Mi, Gi or Ti. */}}
{{- define "switchboard.bytes" -}}
{{- $unit := regexFind "[KMGT]i$" . -}}
{{- mul (trimSuffix $unit . | int64) (get (dict "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776) $unit) -}}
{{- end -}}

{{/* A number of pods, refused where some would have nothing to do: root, service, key, count. */}}
{{- define "switchboard.replicas" -}}
{{- if and (ne .service "ingress") (gt (int .count) (int .root.Values.kafka.partitions)) -}}
{{- fail (printf "%s.%s: %d pods, and kafka.partitions says %d: those beyond would have nothing to do; lower it" .service .key (int .count) (int .root.Values.kafka.partitions)) -}}
{{- end -}}
{{- .count -}}
{{- end -}}
