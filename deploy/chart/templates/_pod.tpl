{{- define "job-api.pod" -}}
serviceAccountName: {{ include "job-api.serviceAccountName" . | quote }}
# The token that Kubernetes would mount is replaced by one that the volume below asks for.
automountServiceAccountToken: false
# A Service named job-api would set variables that look like settings.
enableServiceLinks: false
terminationGracePeriodSeconds: {{ include "job-api.terminationGracePeriodSeconds" . }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .Values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- $pods := dict "labelSelector" (dict "matchLabels" (include "job-api.podSelectorLabels" $ | fromYaml)) }}
  {{- range . }}
  - {{- if hasKey . "labelSelector" }}{{ toYaml . | nindent 4 }}{{ else }}{{ merge (dict) . $pods | toYaml | nindent 4 }}{{ end }}
  {{- end }}
{{- end }}
{{- range $field := list "nodeSelector" "tolerations" "affinity" }}
{{- with get $.Values $field }}
{{ $field }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
containers:
  {{- include "job-api.container" . | nindent 2 }}
volumes:
  - name: service-account
    {{- include "job-api.tokenVolume" "" | nindent 4 }}
  {{- with .Values.tls.secretName }}
  - name: tls
    secret:
      secretName: {{ . | quote }}
      # The group is the Pod's fsGroup.
      defaultMode: 0440
  {{- end }}
  {{- with .Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- /* What an automatic mount would hold, with a token that is renewed each hour, for the audience that is given. */ -}}
{{- define "job-api.tokenVolume" -}}
projected:
  defaultMode: 0440
  sources:
    - serviceAccountToken:
        path: token
        expirationSeconds: 3600
        {{- with . }}
        audience: {{ . | quote }}
        {{- end }}
    - configMap:
        name: kube-root-ca.crt
        items:
          - key: ca.crt
            path: ca.crt
    - downwardAPI:
        items:
          - path: namespace
            fieldRef:
              apiVersion: v1
              fieldPath: metadata.namespace
{{- end -}}

{{- define "job-api.container" -}}
- name: job-api
  image: {{ include "job-api.image" . | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  args:
    {{- include "job-api.arguments" . | trim | nindent 4 }}
  {{- with .Values.extraEnv }}
  env:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  ports:
    - name: http
      containerPort: {{ include "job-api.containerPort" . }}
      protocol: TCP
  {{- range $name, $path := dict "startupProbe" "/livez" "livenessProbe" "/livez" "readinessProbe" "/readyz" }}
  {{- with get $.Values $name }}
  {{- $asked := dict "httpGet" (dict "path" $path "port" "http" "scheme" (include "job-api.scheme" $ | upper)) }}
  {{ $name }}:
    {{- merge (dict) . $asked | toYaml | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- with .Values.preStopSleepSeconds }}
  lifecycle:
    preStop:
      sleep:
        seconds: {{ . }}
  {{- end }}
  resources:
    {{- toYaml .Values.resources | nindent 4 }}
  securityContext:
    {{- toYaml .Values.securityContext | nindent 4 }}
  volumeMounts:
    - name: service-account
      mountPath: /var/run/secrets/kubernetes.io/serviceaccount
      readOnly: true
    {{- if .Values.tls.secretName }}
    # The whole folder: a file that is mounted by subPath would never change.
    - name: tls
      mountPath: /etc/job-api/tls
      readOnly: true
    {{- end }}
    {{- with .Values.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
