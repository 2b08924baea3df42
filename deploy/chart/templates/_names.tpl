{{- define "job-api.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* The name of every object: the release's, with the chart's behind it unless it is part of it already. */ -}}
{{- define "job-api.fullname" -}}
{{- $name := include "job-api.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $full .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /*
Objects of the whole cluster, and of other namespaces, bear the release's namespace in their names: or a second release
of the name could not be installed.
*/ -}}
{{- define "job-api.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "job-api.fullname" .) -}}
{{- end -}}

{{- define "job-api.serviceAccountName" -}}
{{- default (ternary (include "job-api.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "job-api.selectorLabels" -}}
app.kubernetes.io/name: {{ include "job-api.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- /* Of the service's Pods, and of no other of the release. */ -}}
{{- define "job-api.podSelectorLabels" -}}
{{ include "job-api.selectorLabels" . }}
app.kubernetes.io/component: server
{{- end -}}

{{- define "job-api.labels" -}}
{{- $own := dict
  "helm.sh/chart" (printf "%s-%s" .Chart.Name (replace "+" "_" .Chart.Version))
  "app.kubernetes.io/version" (.Chart.AppVersion | replace "+" "_")
  "app.kubernetes.io/managed-by" .Release.Service -}}
{{- merge (include "job-api.selectorLabels" . | fromYaml) .Values.commonLabels $own | toYaml -}}
{{- end -}}

{{- /*
What every object has but its name. Takes a dict: `root` is the chart's scope, `name` and `namespace` are the
object's (no namespace: the cluster's), `labels` and `annotations` what is its own.
*/ -}}
{{- define "job-api.metadata" -}}
name: {{ .name | quote }}
{{- with .namespace }}
namespace: {{ . | quote }}
{{- end }}
labels:
  {{- merge (include "job-api.labels" .root | fromYaml) (.labels | default dict) | toYaml | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "job-api.image" -}}
{{- $image := .Values.image -}}
{{- $name := ternary (printf "%s/%s" $image.registry $image.repository) $image.repository (not (empty $image.registry)) -}}
{{- if $image.digest -}}
{{ $name }}@{{ $image.digest }}
{{- else -}}
{{ $name }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}
