{{/* Names and labels. */}}
{{- define "switchboard.fullname" -}}
{{- .Values.fullnameOverride | default (ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) (contains .Chart.Name .Release.Name)) | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "switchboard.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .service }}
{{- end -}}

{{- define "switchboard.labels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .service }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- with .root.Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* metadata of a resource: root, service, suffix (of the name; default: the service), annotations. */}}
{{- define "switchboard.metadata" -}}
name: {{ include "switchboard.fullname" .root }}-{{ .suffix | default .service }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "switchboard.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "switchboard.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end -}}

{{- define "switchboard.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "switchboard.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{/* The host and the path of publicUrl. */}}
{{- define "switchboard.host" -}}
{{- (urlParse .Values.publicUrl).host | splitList ":" | first -}}
{{- end -}}

{{- define "switchboard.path" -}}
{{- trimSuffix "/" (urlParse .Values.publicUrl).path }}/twilio/
{{- end -}}

{{/* The ports of a service, by name; `operations` has health and metrics. */}}
{{- define "switchboard.ports" -}}
{{- get (dict "ingress" "http: 8080\noperations: 9080" "processor" "http: 8081\noperations: 9081" "sender" "operations: 8082" "poller" "operations: 8084" "media" "operations: 8085") .service -}}
{{- end -}}

{{/* A pod's own values over those of all pods. */}}
{{- define "switchboard.pod" -}}
{{- mustMergeOverwrite (deepCopy .root.Values.pods) (deepCopy (index .root.Values .service)) | toYaml -}}
{{- end -}}

{{/* Of each worker a volume, and of ingress where it is to outlive the pod. */}}
{{- define "switchboard.claims" -}}
{{- if or (ne .service "ingress") (eq .root.Values.ingress.spool.volume "claim") }}yes{{ end -}}
{{- end -}}

{{- define "switchboard.kind" -}}
{{- ternary "StatefulSet" "Deployment" (eq (include "switchboard.claims" .) "yes") -}}
{{- end -}}
