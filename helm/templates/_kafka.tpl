{{/* How Kafka is reached, as the settings file says it. The user differs by service: it comes by the environment. */}}
{{- define "switchboard.kafka" -}}
{{- $kafka := .Values.kafka }}
bootstrap: {{ include "switchboard.bootstrap" . }}
partitions: {{ $kafka.partitions }}
replication: {{ $kafka.replication }}
min_insync_replicas: {{ $kafka.minInsyncReplicas }}
{{- with $kafka.tenantTopics }}
tenant_topics: {{ toJson . }}
{{- end }}
security_protocol: {{ include "switchboard.protocol" . }}
{{- if include "switchboard.sasl" . }}
sasl_mechanism: {{ ne .Values.strimzi.cluster "" | ternary "SCRAM-SHA-512" $kafka.sasl.mechanism }}
sasl_username: {{ include "switchboard.user" (dict "root" . "service" "topics") }}
sasl_password: {file: /run/secrets/kafka/password}
{{- end }}
{{- if include "switchboard.caVolume" . }}
ssl_cafile: /run/secrets/kafka-ca/{{ $kafka.tls.caKey }}
{{- end }}
{{- if $kafka.tls.clientSecret }}
ssl_certfile: /run/secrets/kafka-client/tls.crt
ssl_keyfile: /run/secrets/kafka-client/tls.key
{{- end }}
{{- end -}}

{{- define "switchboard.bootstrap" -}}
{{- with .Values.strimzi }}{{ if .cluster }}{{ .cluster }}-kafka-bootstrap:{{ .port }}{{ else }}{{ $.Values.kafka.bootstrap }}{{ end }}{{ end -}}
{{- end -}}

{{- define "switchboard.protocol" -}}
{{- ne .Values.strimzi.cluster "" | ternary "SASL_SSL" .Values.kafka.securityProtocol -}}
{{- end -}}

{{- define "switchboard.sasl" -}}
{{- if hasPrefix "SASL" (include "switchboard.protocol" .) }}yes{{ end -}}
{{- end -}}

{{/* Kafka's user, the Secret of its password, and the key in that. */}}
{{- define "switchboard.user" -}}
{{- if .root.Values.strimzi.cluster }}{{ include "switchboard.fullname" .root }}-{{ .service }}{{ else }}{{ .root.Values.kafka.sasl.username | replace "{service}" .service }}{{ end -}}
{{- end -}}

{{- define "switchboard.passwordSecret" -}}
{{- $named := .root.Values.kafka.sasl.passwordSecret | replace "{service}" .service -}}
{{- ne .root.Values.strimzi.cluster "" | ternary (include "switchboard.user" .) ($named | default (include "switchboard.secretName" .)) -}}
{{- end -}}

{{- define "switchboard.passwordKey" -}}
{{- ne .root.Values.strimzi.cluster "" | ternary "password" (.root.Values.kafka.sasl.passwordKey | replace "{service}" .service) -}}
{{- end -}}

{{- define "switchboard.caVolume" -}}
{{- with .Values.kafka.tls }}
{{- if and (hasSuffix "SSL" (include "switchboard.protocol" $)) (or .caSecret .caConfigMap $.Values.strimzi.cluster) -}}
name: kafka-ca
{{- if .caConfigMap }}
configMap: {name: {{ .caConfigMap }}}
{{- else }}
secret: {secretName: {{ .caSecret | default (printf "%s-cluster-ca-cert" $.Values.strimzi.cluster) }}}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
