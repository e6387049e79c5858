{{- define "assay.name" -}}
{{- ternary .Release.Name (printf "%s-assay" .Release.Name) (contains "assay" .Release.Name) | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "assay.selector" -}}
app.kubernetes.io/name: assay
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "assay.labels" -}}
{{ include "assay.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "assay.tokenSecret" -}}
{{ .Values.token.existingSecret | default (printf "%s-token" (include "assay.name" .)) }}
{{- end }}

{{/* What every pod is held to: the gateway and the worker need nothing of the machine. */}}
{{- define "assay.pod" -}}
serviceAccountName: {{ include "assay.name" . }}
automountServiceAccountToken: false
terminationGracePeriodSeconds: 60
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "assay.container" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
resources: {{ toYaml .Values.resources | nindent 2 }}
{{- end }}

{{- define "assay.sharedEnv" -}}
{{- range $variable, $key := dict "ASSAY_STORE" "store" "ASSAY_STREAM" "stream" }}
- name: {{ $variable }}
  valueFrom: {secretKeyRef: {name: {{ $.Values.shared.existingSecret }}, key: {{ $key }}}}
{{- end }}
{{- end }}

{{- define "assay.sharedVolume" -}}
- name: key
  secret: {secretName: {{ .Values.shared.existingSecret }}, items: [{key: key, path: key}], defaultMode: 0440}
{{- end }}
