{{- /* What no schema can say: values that do not go together. Each message names the values and the fix. */ -}}
{{- define "job-api.checks" -}}
{{- $settings := .Values.settings -}}
{{- $mode := include "job-api.authMode" . -}}
{{- if and (eq $mode "none") (not $settings.allowUnauthenticated) -}}
{{- fail "settings.authMode: with none, whoever reaches the service acts with the rights of its account; use delegated or passthrough, or set settings.allowUnauthenticated to true as well" -}}
{{- end -}}
{{- if and $settings.allowUnauthenticated (ne $mode "none") -}}
{{- fail (printf "settings.allowUnauthenticated: it has no effect with settings.authMode %s; leave it out" $mode) -}}
{{- end -}}
{{- if and $settings.tokenAudience (ne $mode "delegated") -}}
{{- fail (printf "settings.tokenAudience: it has no effect with settings.authMode %s, only with delegated" $mode) -}}
{{- end -}}
{{- if and $settings.sandbox (ne $mode "none") -}}
{{- fail "settings.sandbox: the sandbox cannot tell callers apart; set settings.authMode to none and settings.allowUnauthenticated to true" -}}
{{- end -}}
{{- if and .Values.tls.secretName (or $settings.tlsCertFile $settings.tlsPrivateKeyFile) -}}
{{- fail "tls.secretName: the files of settings.tlsCertFile and settings.tlsPrivateKeyFile come from it; set either" -}}
{{- end -}}
{{- if .Values.rbac.namespaces -}}
{{- range $settings.namespaces -}}
{{- if not (has . $.Values.rbac.namespaces) -}}
{{- fail (printf "settings.namespaces: %s is none of rbac.namespaces, so the service would have no rights there; leave settings.namespaces out" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- fail "autoscaling.minReplicas: it is more than autoscaling.maxReplicas" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- fail "ingress.hosts: an Ingress takes at least one host, such as {host: jobs.example.org, paths: [{path: /, pathType: Prefix}]}" -}}
{{- end -}}
{{- end -}}
