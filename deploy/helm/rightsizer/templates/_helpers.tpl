{{- define "rightsizer.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "rightsizer.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "rightsizer.labels" -}}
{{ include "rightsizer.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "rightsizer.serviceAccount" -}}
{{- default (include "rightsizer.name" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "rightsizer.image" -}}
{{- $repository := .Values.image.repository -}}
{{- $digest := .Values.image.digest -}}
{{- if or .probe .Values.probes.enabled -}}
{{- $repository = printf "%s-probe" $repository -}}
{{- $digest = .Values.image.probeDigest -}}
{{- end -}}
{{- if $digest -}}
{{- printf "%s@%s" $repository $digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "rightsizer.store" -}}
{{- if eq .Values.journal.kind "dynamodb" -}}
{{- printf "dynamodb://%s?region=%s" .Values.journal.dynamodb.table (default .Values.region .Values.journal.dynamodb.region) -}}
{{- else -}}
/var/lib/rightsizer/journal.db
{{- end -}}
{{- end -}}

{{- define "rightsizer.elects" -}}
{{- if and (eq .Values.journal.kind "dynamodb") (ne .Values.lease "none") -}}yes{{- end -}}
{{- end -}}

{{- define "rightsizer.asksKubernetes" -}}
{{- if and (include "rightsizer.elects" .) (eq .Values.lease "kubernetes") -}}yes{{- end -}}
{{- end -}}

{{/* What no schema can say well. */}}
{{- define "rightsizer.check" -}}
{{- $several := or (gt (int .Values.replicaCount) 1) (gt (int .Values.shards) 1) -}}
{{- if and $several (eq .Values.journal.kind "sqlite") -}}
{{- fail "journal.kind sqlite is a file with one writer: set replicaCount and shards to 1, or journal.kind to dynamodb" -}}
{{- end -}}
{{- if and $several (eq .Values.lease "none") -}}
{{- fail "several replicas must agree on who acts: set lease to kubernetes or dynamodb" -}}
{{- end -}}
{{- if and .Values.policies.gitSync.enabled (not .Values.policies.gitSync.repo) -}}
{{- fail "policies.gitSync.enabled needs policies.gitSync.repo" -}}
{{- end -}}
{{- $probes := or .Values.probes.enabled (gt (int .Values.probes.workers) 0) -}}
{{- if and $probes .Values.image.digest (not .Values.image.probeDigest) -}}
{{- fail "image.digest is the daemon's: the image with the generator has another, image.probeDigest" -}}
{{- end -}}
{{- if and (gt (int .Values.probes.workers) 0) (not .Values.probes.master) -}}
{{- fail "probes.workers need probes.master: where the probe that they work for listens" -}}
{{- end -}}
{{- end -}}

{{- define "rightsizer.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "rightsizer.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* How whoever asks reaches the listener; nothing where it is plain HTTP. */}}
{{- define "rightsizer.scheme" -}}
{{- if .Values.listener.tlsSecret }}scheme: HTTPS{{ end -}}
{{- end -}}

{{- define "rightsizer.policies" -}}
{{- if .Values.policies.gitSync.enabled -}}
/etc/rightsizer/policies/current/{{ trimPrefix "/" .Values.policies.gitSync.path }}
{{- else -}}
/etc/rightsizer/policies
{{- end -}}
{{- end -}}

{{- define "rightsizer.env" -}}
- name: AWS_REGION
  value: {{ .Values.region }}
- name: RIGHTSIZER_STORE
  value: {{ include "rightsizer.store" . }}
- name: RIGHTSIZER_LISTEN
  value: 0.0.0.0:9797
- name: RIGHTSIZER_LOG_LEVEL
  value: {{ .Values.log.level }}
- name: RIGHTSIZER_LOG_FORMAT
  value: {{ .Values.log.format }}
- name: RIGHTSIZER_WORKERS
  value: {{ .Values.workers | quote }}
{{- if include "rightsizer.elects" . }}
- name: RIGHTSIZER_LEASE
  value: {{ .Values.lease }}
- name: RIGHTSIZER_LEASE_NAME
  value: {{ include "rightsizer.name" . }}
{{- end }}
{{- if gt (int .Values.shards) 1 }}
- name: RIGHTSIZER_SHARD
  value: auto/{{ .Values.shards }}
{{- end }}
{{- if .Values.listener.tokenSecret }}
- name: RIGHTSIZER_TOKEN_FILE
  value: /etc/rightsizer/listener/token
{{- end }}
{{- if .Values.listener.tokenForMetrics }}
- name: RIGHTSIZER_TOKEN_FOR_METRICS
  value: "true"
{{- end }}
{{- if .Values.listener.tlsSecret }}
- name: RIGHTSIZER_TLS_CERT
  value: /etc/rightsizer/tls/tls.crt
- name: RIGHTSIZER_TLS_KEY
  value: /etc/rightsizer/tls/tls.key
{{- end }}
{{- if .Values.listener.publicPage }}
- name: RIGHTSIZER_PUBLIC_PAGE
  value: "true"
{{- end }}
{{- if .Values.notify.secret }}
- name: RIGHTSIZER_NOTIFY
  value: /etc/rightsizer/notify/channels.yaml
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
