{{/* The pod of any service, and of the job: root, service, pod (its values), command. */}}
{{- define "switchboard.podSpec" -}}
{{- $job := eq .service "topics" -}}
serviceAccountName: {{ ternary "default" (include "switchboard.serviceAccount" .root) $job }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext: {{- toYaml .pod.securityContext | nindent 2 }}
{{- with .pod.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- if $job }}
restartPolicy: Never
{{- else }}
terminationGracePeriodSeconds: {{ .pod.graceSeconds }}
{{- include "switchboard.spread" . }}
{{- end }}
containers:
  - name: {{ .service }}
    image: {{ include "switchboard.image" .root }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    args: {{- toYaml .command | nindent 6 }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: {drop: [ALL]}
    env: {{- include "switchboard.env" . | nindent 6 }}
    {{- if not $job }}
    ports:
      {{- range $name, $port := include "switchboard.ports" . | fromYaml }}
      - {name: {{ $name }}, containerPort: {{ $port }}}
      {{- end }}
    {{- include "switchboard.probes" . | nindent 4 }}
    {{- end }}
    {{- with .pod.resources }}
    resources: {{- toYaml . | nindent 6 }}
    {{- end }}
    volumeMounts: {{- include "switchboard.mounts" . | nindent 6 }}
volumes: {{- include "switchboard.volumes" . | nindent 2 }}
{{- with .pod.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pod.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pod.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "switchboard.spread" }}
{{- with .pod.spreadOver }}
topologySpreadConstraints:
  {{- range . }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "switchboard.selector" $ | nindent 8 }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* What differs by pod or by service, over the settings file. */}}
{{- define "switchboard.env" -}}
- {name: SWITCHBOARD_CONFIG, value: /etc/switchboard/switchboard.yaml}
- {name: SWITCHBOARD_LOG_LEVEL, value: {{ .pod.logLevel }}}
{{- if include "switchboard.sasl" .root }}
- {name: SWITCHBOARD_KAFKA__SASL_USERNAME, value: {{ include "switchboard.user" . }}}
{{- end }}
{{- if include "switchboard.passwordInCsi" .root }}
- {name: SWITCHBOARD_KAFKA__SASL_PASSWORD__FILE, value: /run/secrets/switchboard/{{ include "switchboard.passwordKey" . }}}
{{- end }}
{{- if ne .service "topics" }}
{{- $section := upper .service }}
- {name: SWITCHBOARD_{{ $section }}__HOST, value: 0.0.0.0}
{{- if hasKey (include "switchboard.ports" . | fromYaml) "http" }}
- {name: SWITCHBOARD_{{ $section }}__OPERATIONS_HOST, value: 0.0.0.0}
{{- end }}
{{- if ne .service "ingress" }}
{{- $ports := include "switchboard.ports" . | fromYaml }}
{{- $port := get $ports "http" | default (get $ports "operations") }}
- {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
- {name: SWITCHBOARD_{{ $section }}__INSTANCE_ID, value: $(POD_NAME)}
- name: SWITCHBOARD_{{ $section }}__ADVERTISED_URL
  value: http://$(POD_NAME).{{ include "switchboard.fullname" .root }}-{{ .service }}-pods.{{ .root.Release.Namespace }}.svc:{{ $port }}
{{- end }}
{{- end }}
{{- with .pod.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* startup: tables are restored, which may take long; ready: it can work now; live: its event loop turns. */}}
{{- define "switchboard.probes" -}}
startupProbe:
  httpGet: {path: {{ ternary "/healthz" "/readyz" (eq .service "ingress") }}, port: operations}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: {{ div (.pod.restoreSeconds | default 60) 5 }}
readinessProbe:
  httpGet: {path: /readyz, port: operations}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
livenessProbe:
  httpGet: {path: /healthz, port: operations}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- if gt (int .pod.drainSeconds) 0 }}
lifecycle:
  preStop:
    sleep: {seconds: {{ .pod.drainSeconds }}}
{{- end }}
{{- end -}}

{{- define "switchboard.mounts" -}}
- {name: settings, mountPath: /etc/switchboard, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- if ne .service "topics" }}
- {name: data, mountPath: /var/lib/switchboard}
- {name: tenants, mountPath: /etc/switchboard-tenants, readOnly: true}
{{- end }}
{{- if or (ne .service "topics") (include "switchboard.passwordInCsi" .root) }}
- {name: secrets, mountPath: /run/secrets/switchboard, readOnly: true}
{{- end }}
{{- if and (include "switchboard.sasl" .root) (not (include "switchboard.passwordInCsi" .root)) }}
- {name: kafka, mountPath: /run/secrets/kafka, readOnly: true}
{{- end }}
{{- if include "switchboard.caVolume" .root }}
- {name: kafka-ca, mountPath: /run/secrets/kafka-ca, readOnly: true}
{{- end }}
{{- if .root.Values.kafka.tls.clientSecret }}
- {name: kafka-client, mountPath: /run/secrets/kafka-client, readOnly: true}
{{- end }}
{{- end -}}

{{- define "switchboard.volumes" -}}
- name: settings
  configMap: {name: {{ include "switchboard.fullname" .root }}-{{ ternary "topics" "settings" (eq .service "topics") }}}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
{{- if or (ne .service "topics") (include "switchboard.passwordInCsi" .root) }}
- {{ include "switchboard.secretsVolume" . | nindent 2 | trim }}
{{- end }}
{{- if ne .service "topics" }}
- name: tenants
  projected:
    sources:
      - configMap: {name: {{ include "switchboard.fullname" .root }}-tenants}
      {{- range .root.Values.tenantFiles.configMaps }}
      - configMap: {name: {{ . }}}
      {{- end }}
      {{- range .root.Values.tenantFiles.secrets }}
      - secret: {name: {{ . }}}
      {{- end }}
{{- if not (include "switchboard.claims" .) }}
- name: data
  emptyDir: {sizeLimit: {{ .root.Values.ingress.spool.size }}}
{{- end }}
{{- end }}
{{- if and (include "switchboard.sasl" .root) (not (include "switchboard.passwordInCsi" .root)) }}
- {{ include "switchboard.passwordVolume" . | nindent 2 | trim }}
{{- end }}
{{- with include "switchboard.caVolume" .root }}
- {{ . | nindent 2 | trim }}
{{- end }}
{{- with .root.Values.kafka.tls.clientSecret }}
- name: kafka-client
  secret: {secretName: {{ . | replace "{service}" $.service }}, defaultMode: 0440}
{{- end }}
{{- end -}}
