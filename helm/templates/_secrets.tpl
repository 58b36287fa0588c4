{{/* The Secret that holds our secrets; the job's own before the first install. */}}
{{- define "switchboard.secretName" -}}
{{- if eq .root.Values.secrets.from "existing" -}}
{{ .root.Values.secrets.existingSecret }}
{{- else -}}
{{ include "switchboard.fullname" .root }}{{ ternary "-topics" "" (eq .service "topics") }}-secrets
{{- end -}}
{{- end -}}

{{/* Which keys a service may see: the job those of Kafka. */}}
{{- define "switchboard.secret" -}}
{{- $secrets := .root.Values.secrets }}
{{- $keys := dict }}
{{- range $key, $value := ternary $secrets.values $secrets.external.keys (eq $secrets.from "values") }}
{{- if or (ne $.service "topics") (hasPrefix "kafka-" $key) }}{{ $_ := set $keys $key $value }}{{ end }}
{{- end }}
{{- if eq $secrets.from "values" -}}
apiVersion: v1
kind: Secret
metadata:
  {{- include "switchboard.metadata" . | nindent 2 }}
stringData:
  {{- toYaml $keys | nindent 2 }}
{{- else -}}
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  {{- include "switchboard.metadata" . | nindent 2 }}
spec:
  refreshInterval: {{ $secrets.external.refreshInterval }}
  secretStoreRef: {kind: {{ $secrets.external.storeKind }}, name: {{ $secrets.external.storeName }}}
  target: {name: {{ include "switchboard.secretName" . }}}
  data:
    {{- range $key, $ref := $keys }}
    - secretKey: {{ $key }}
      remoteRef: {{- toYaml $ref | nindent 8 }}
    {{- end }}
{{- end -}}
{{- end -}}

{{/* The volume with all secrets. */}}
{{- define "switchboard.secretsVolume" -}}
name: secrets
{{- if eq .root.Values.secrets.from "csi" }}
csi:
  driver: {{ .root.Values.secrets.csi.driver }}
  readOnly: true
  volumeAttributes: {secretProviderClass: {{ .root.Values.secrets.csi.secretProviderClass }}}
{{- else }}
secret: {secretName: {{ include "switchboard.secretName" . }}, defaultMode: 0440}
{{- end }}
{{- end -}}

{{/* Whether Kafka's password is a file of the CSI volume, under its key: no Secret is there before the first pod. */}}
{{- define "switchboard.passwordInCsi" -}}
{{- if and (eq .Values.secrets.from "csi") (not .Values.kafka.sasl.passwordSecret) (not .Values.strimzi.cluster) (include "switchboard.sasl" .) }}yes{{ end -}}
{{- end -}}

{{/* The volume with Kafka's password for this service, as a file named password. */}}
{{- define "switchboard.passwordVolume" -}}
name: kafka
secret:
  secretName: {{ include "switchboard.passwordSecret" . }}
  defaultMode: 0440
  items: [{key: {{ include "switchboard.passwordKey" . }}, path: password}]
{{- end -}}
