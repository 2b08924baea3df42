{{- define "job-api.authMode" -}}
{{- .Values.settings.authMode | default "delegated" -}}
{{- end -}}

{{- /* Not empty where the service's account reads Jobs for its cache. */ -}}
{{- define "job-api.caches" -}}
{{- $unset := ne (include "job-api.authMode" .) "passthrough" -}}
{{- if ternary .Values.settings.cache $unset (hasKey .Values.settings "cache") }}true{{ end -}}
{{- end -}}

{{- define "job-api.containerPort" -}}
{{- .Values.settings.listen | toString | regexFind "[0-9]+$" -}}
{{- end -}}

{{- /* Not empty where the service speaks HTTPS. */ -}}
{{- define "job-api.tls" -}}
{{- if or .Values.tls.secretName .Values.settings.tlsCertFile }}true{{ end -}}
{{- end -}}

{{- /* The scheme of the service, and the name of its ports. */ -}}
{{- define "job-api.scheme" -}}
{{- ternary "https" "http" (not (empty (include "job-api.tls" .))) -}}
{{- end -}}

{{- define "job-api.servicePort" -}}
{{- .Values.service.port | default (ternary 443 80 (eq (include "job-api.scheme" .) "https")) -}}
{{- end -}}

{{- define "job-api.terminationGracePeriodSeconds" -}}
{{- $settings := .Values.settings -}}
{{- if kindIs "invalid" .Values.terminationGracePeriodSeconds -}}
{{- $drained := addf $settings.shutdownGraceSeconds $settings.shutdownDrainSeconds -}}
{{- add .Values.preStopSleepSeconds (ceil $drained) 5 -}}
{{- else -}}
{{- .Values.terminationGracePeriodSeconds -}}
{{- end -}}
{{- end -}}

{{- /* The settings as arguments, those that follow from other values included, in the order of their names. */ -}}
{{- define "job-api.arguments" -}}
{{- $settings := deepCopy .Values.settings -}}
{{- if and .Values.rbac.namespaces (not $settings.namespaces) -}}
{{- $_ := set $settings "namespaces" .Values.rbac.namespaces -}}
{{- end -}}
{{- if .Values.tls.secretName -}}
{{- $_ := set $settings "tlsCertFile" "/etc/job-api/tls/tls.crt" -}}
{{- $_ := set $settings "tlsPrivateKeyFile" "/etc/job-api/tls/tls.key" -}}
{{- end -}}
{{- range $name, $value := $settings -}}
{{- if not (kindIs "invalid" $value) }}
- {{ printf "--%s=%s" (kebabcase $name) (include "job-api.argument" $value) | quote }}
{{- end -}}
{{- end -}}
{{- with .Values.extraArgs }}
{{ toYaml . }}
{{- end -}}
{{- end -}}

{{- /* A number is written as JSON has it: as a text, Helm makes 1e+06 of a million. */ -}}
{{- define "job-api.argument" -}}
{{- if kindIs "slice" . -}}
{{- join "," . -}}
{{- else if kindIs "string" . -}}
{{- . -}}
{{- else -}}
{{- toJson . -}}
{{- end -}}
{{- end -}}
