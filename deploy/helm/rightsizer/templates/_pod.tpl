{{- define "rightsizer.pod" -}}
metadata:
  labels:
    {{- include "rightsizer.selector" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: rightsizer
    {{- if not .Values.serviceMonitor.enabled }}
    prometheus.io/scrape: "true"
    prometheus.io/port: "9797"
    {{- if .Values.listener.tlsSecret }}
    prometheus.io/scheme: https
    {{- end }}
    {{- end }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "rightsizer.serviceAccount" . }}
  automountServiceAccountToken: {{ eq (include "rightsizer.asksKubernetes" .) "yes" }}
  # Long enough to finish the AWS call under way; a change itself goes on after the restart.
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    {{- include "rightsizer.podSecurity" . | nindent 4 }}
  {{- if or (gt (int .Values.replicaCount) 1) (gt (int .Values.shards) 1) }}
  topologySpreadConstraints:
    {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "rightsizer.selector" $ | nindent 10 }}
    {{- end }}
  {{- end }}
  {{- if or .Values.policies.gitSync.enabled (and (eq .Values.journal.kind "dynamodb") .Values.journal.dynamodb.create) }}
  initContainers:
    {{- if and (eq .Values.journal.kind "dynamodb") .Values.journal.dynamodb.create }}
    # Makes the table where there is none; done again, it changes nothing.
    - name: table
      image: {{ include "rightsizer.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [store, init]
      env:
        {{- include "rightsizer.env" . | nindent 8 }}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      securityContext:
        {{- include "rightsizer.containerSecurity" . | nindent 8 }}
    {{- end }}
    {{- if .Values.policies.gitSync.enabled }}
    # One copy before the controller starts; the sidecar keeps it new.
    - name: git-sync-first
      {{- include "rightsizer.gitSync" . | nindent 6 }}
        - --one-time
    {{- end }}
  {{- end }}
  containers:
    - name: rightsizer
      image: {{ include "rightsizer.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        - run
        - --policies
        - {{ include "rightsizer.policies" . }}
        {{- with .Values.extraArgs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      env:
        {{- include "rightsizer.env" . | nindent 8 }}
      ports:
        - name: http
          containerPort: 9797
      startupProbe:
        httpGet:
          path: /healthz
          port: http
          {{- with include "rightsizer.scheme" . }}
          {{ . }}
          {{- end }}
        periodSeconds: 2
        failureThreshold: 30
      livenessProbe:
        httpGet:
          path: /healthz
          port: http
          {{- with include "rightsizer.scheme" . }}
          {{ . }}
          {{- end }}
        periodSeconds: 20
        timeoutSeconds: 5
        failureThreshold: 3
      readinessProbe:
        httpGet:
          path: /readyz
          port: http
          {{- with include "rightsizer.scheme" . }}
          {{ . }}
          {{- end }}
        periodSeconds: 10
        timeoutSeconds: 5
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      securityContext:
        {{- include "rightsizer.containerSecurity" . | nindent 8 }}
      volumeMounts:
        - name: policies
          mountPath: /etc/rightsizer/policies
          readOnly: true
        - name: state
          mountPath: /var/lib/rightsizer
        - name: scratch
          mountPath: /tmp
        {{- if .Values.listener.tokenSecret }}
        - name: listener
          mountPath: /etc/rightsizer/listener
          readOnly: true
        {{- end }}
        {{- if .Values.listener.tlsSecret }}
        - name: tls
          mountPath: /etc/rightsizer/tls
          readOnly: true
        {{- end }}
        {{- if .Values.notify.secret }}
        - name: notify
          mountPath: /etc/rightsizer/notify
          readOnly: true
        {{- end }}
    {{- if .Values.policies.gitSync.enabled }}
    - name: git-sync
      {{- include "rightsizer.gitSync" . | nindent 6 }}
        - --period={{ .Values.policies.gitSync.period }}
    {{- end }}
  volumes:
    - name: policies
      {{- if .Values.policies.gitSync.enabled }}
      emptyDir: {}
      {{- else }}
      configMap:
        name: {{ default (printf "%s-policies" (include "rightsizer.name" .)) .Values.policies.existingConfigMap }}
      {{- end }}
    - name: state
      {{- if eq .Values.journal.kind "sqlite" }}
      persistentVolumeClaim:
        claimName: {{ include "rightsizer.name" . }}
      {{- else }}
      emptyDir: {}
      {{- end }}
    - name: scratch
      emptyDir:
        sizeLimit: 256Mi
    {{- if .Values.listener.tokenSecret }}
    - name: listener
      secret:
        secretName: {{ .Values.listener.tokenSecret }}
    {{- end }}
    {{- if .Values.listener.tlsSecret }}
    - name: tls
      secret:
        secretName: {{ .Values.listener.tlsSecret }}
    {{- end }}
    {{- if .Values.notify.secret }}
    - name: notify
      secret:
        secretName: {{ .Values.notify.secret }}
    {{- end }}
    {{- if and .Values.policies.gitSync.enabled .Values.policies.gitSync.sshSecret }}
    - name: git-ssh
      secret:
        secretName: {{ .Values.policies.gitSync.sshSecret }}
        defaultMode: 0440
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* A copy of the repository: `current` is a link that changes with each commit. */}}
{{- define "rightsizer.gitSync" -}}
image: {{ .Values.policies.gitSync.image }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
resources:
  requests:
    cpu: 10m
    memory: 32Mi
  limits:
    memory: 128Mi
securityContext:
  # The one user that its image has a name for, without which ssh does not start.
  runAsUser: 65533
  {{- include "rightsizer.containerSecurity" . | nindent 2 }}
volumeMounts:
  - name: policies
    mountPath: /git
  - name: scratch
    mountPath: /tmp
  {{- if .Values.policies.gitSync.sshSecret }}
  - name: git-ssh
    mountPath: /etc/git-secret
    readOnly: true
  {{- end }}
args:
  - --repo={{ .Values.policies.gitSync.repo }}
  - --ref={{ .Values.policies.gitSync.ref }}
  - --root=/git
  - --link=current
  {{- if .Values.policies.gitSync.sshSecret }}
  - --ssh-key-file=/etc/git-secret/ssh
  - --ssh-known-hosts-file=/etc/git-secret/known_hosts
  {{- end }}
{{- end -}}
