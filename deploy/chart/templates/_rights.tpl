{{- /*
The rules that the service's account needs, by the rows of its table of calls: in mode passthrough it speaks with its
callers' tokens, and only its cache reads by itself; the sandbox asks nobody. Empty where it needs none.
*/ -}}
{{- define "job-api.rules" -}}
{{- if .Values.settings.sandbox -}}
{{- else if ne (include "job-api.authMode" .) "passthrough" -}}
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, delete]
{{ include "job-api.podRules" . }}
{{- else if include "job-api.caches" . -}}
- apiGroups: [batch]
  resources: [jobs]
  verbs: [list, watch]
{{- end -}}
{{- end -}}

{{- /* What a Job's pods, its events and its logs take; watch is for logs that are followed. */ -}}
{{- define "job-api.podRules" -}}
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
- apiGroups: [""]
  resources: [events]
  verbs: [list]
{{- end -}}

{{- define "job-api.subjects" -}}
- kind: ServiceAccount
  name: {{ include "job-api.serviceAccountName" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
{{- end -}}
