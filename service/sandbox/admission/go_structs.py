"""What kubernetes-asyncio's models do not say of the types in a Job, and the apiserver's answers show.

The models know the fields and their types. Go's structs (https://github.com/kubernetes/api/tree/v0.36.3) also have
an order, in which JSON is written, fields that are pointers, of which a zero is not left out, and types with names
of their own, which errors mention. The schema (x-kubernetes-list-type and the like in Kubernetes' OpenAPI) says
which lists are merged by key. A field is written here as

    [Embedded.]name[*|!][[keys]][:go.Type]

`*` a pointer to a scalar; `!` never left out; `[a,b]` a list of type map with these keys, `[]` a set, `[atomic]` a
map that is one value; the Go type where it is not the one to be expected from the model.
"""

from types import MappingProxyType

# Structs that have one owner, whole.
ATOMIC = frozenset(
    (
        "V1ConfigMapKeySelector",
        "V1FileKeySelector",
        "V1LabelSelector",
        "V1LocalObjectReference",
        "V1NodeSelector",
        "V1NodeSelectorTerm",
        "V1ObjectFieldSelector",
        "V1OwnerReference",
        "V1ResourceFieldSelector",
        "V1SecretKeySelector",
        "V1TypedLocalObjectReference",
    )
)

FIELDS = MappingProxyType(
    {
        "V1Job": "TypeMeta.kind TypeMeta.apiVersion metadata! spec! status!",
        "V1ObjectMeta": (
            "name generateName namespace selfLink uid:types.UID resourceVersion generation:int64 "
            "creationTimestamp deletionTimestamp* deletionGracePeriodSeconds*:int64 labels annotations "
            "ownerReferences[uid] finalizers[] managedFields"
        ),
        "V1OwnerReference": "apiVersion! kind! name! uid!:types.UID controller* blockOwnerDeletion*",
        "V1ManagedFieldsEntry": (
            "manager operation:v1.ManagedFieldsOperationType apiVersion time* fieldsType fieldsV1*:v1.FieldsV1 "
            "subresource"
        ),
        "V1JobSpec": (
            "parallelism* completions* activeDeadlineSeconds*:int64 podFailurePolicy successPolicy "
            "backoffLimit* backoffLimitPerIndex* maxFailedIndexes* selector manualSelector* template! "
            "ttlSecondsAfterFinished* completionMode*:v1.CompletionMode suspend* "
            "podReplacementPolicy*:v1.PodReplacementPolicy managedBy*"
        ),
        "V1PodFailurePolicy": "rules!",
        "V1PodFailurePolicyRule": "action!:v1.PodFailurePolicyAction onExitCodes onPodConditions",
        "V1PodFailurePolicyOnExitCodesRequirement": (
            "containerName* operator!:v1.PodFailurePolicyOnExitCodesOperator values![]"
        ),
        "V1PodFailurePolicyOnPodConditionsPattern": "type!:v1.PodConditionType status!:v1.ConditionStatus",
        "V1SuccessPolicy": "rules!",
        "V1SuccessPolicyRule": "succeededIndexes* succeededCount*",
        "V1LabelSelector": "matchLabels matchExpressions",
        "V1LabelSelectorRequirement": "key! operator!:v1.LabelSelectorOperator values",
        "V1PodTemplateSpec": "metadata! spec!",
        "V1PodSpec": (
            "volumes[name] initContainers[name] containers![name] ephemeralContainers[name] "
            "restartPolicy:v1.RestartPolicy terminationGracePeriodSeconds*:int64 activeDeadlineSeconds*:int64 "
            "dnsPolicy:v1.DNSPolicy nodeSelector[atomic] serviceAccountName serviceAccount "
            "automountServiceAccountToken* nodeName hostNetwork hostPID hostIPC shareProcessNamespace* "
            "securityContext imagePullSecrets[name] hostname subdomain affinity schedulerName tolerations "
            "hostAliases[ip] priorityClassName priority* dnsConfig readinessGates runtimeClassName* "
            "enableServiceLinks* preemptionPolicy*:v1.PreemptionPolicy overhead:v1.ResourceList "
            "topologySpreadConstraints[topologyKey,whenUnsatisfiable] setHostnameAsFQDN* os hostUsers* "
            "schedulingGates[name] resourceClaims[name] resources hostnameOverride* schedulingGroup"
        ),
        "V1Volume": (
            "name! VolumeSource.hostPath VolumeSource.emptyDir VolumeSource.gcePersistentDisk "
            "VolumeSource.awsElasticBlockStore VolumeSource.gitRepo VolumeSource.secret VolumeSource.nfs "
            "VolumeSource.iscsi VolumeSource.glusterfs VolumeSource.persistentVolumeClaim VolumeSource.rbd "
            "VolumeSource.flexVolume VolumeSource.cinder VolumeSource.cephfs VolumeSource.flocker "
            "VolumeSource.downwardAPI VolumeSource.fc VolumeSource.azureFile VolumeSource.configMap "
            "VolumeSource.vsphereVolume VolumeSource.quobyte VolumeSource.azureDisk "
            "VolumeSource.photonPersistentDisk VolumeSource.projected VolumeSource.portworxVolume "
            "VolumeSource.scaleIO VolumeSource.storageos VolumeSource.csi VolumeSource.ephemeral "
            "VolumeSource.image"
        ),
        "V1HostPathVolumeSource": "path! type*:v1.HostPathType",
        "V1EmptyDirVolumeSource": "medium:v1.StorageMedium sizeLimit*:resource.Quantity",
        "V1GCEPersistentDiskVolumeSource": "pdName! fsType partition readOnly",
        "V1AWSElasticBlockStoreVolumeSource": "volumeID! fsType partition readOnly",
        "V1GitRepoVolumeSource": "repository! revision directory",
        "V1SecretVolumeSource": "secretName items defaultMode* optional*",
        "V1KeyToPath": "key! path! mode*",
        "V1NFSVolumeSource": "server! path! readOnly",
        "V1ISCSIVolumeSource": (
            "targetPortal! iqn! lun! iscsiInterface fsType readOnly portals chapAuthDiscovery chapAuthSession "
            "secretRef initiatorName*"
        ),
        "V1LocalObjectReference": "name",
        "V1GlusterfsVolumeSource": "endpoints! path! readOnly",
        "V1PersistentVolumeClaimVolumeSource": "claimName! readOnly",
        "V1RBDVolumeSource": "monitors! image! fsType pool user keyring secretRef readOnly",
        "V1FlexVolumeSource": "driver! fsType secretRef readOnly options",
        "V1CinderVolumeSource": "volumeID! fsType readOnly secretRef",
        "V1CephFSVolumeSource": "monitors! path user secretFile secretRef readOnly",
        "V1FlockerVolumeSource": "datasetName datasetUUID",
        "V1DownwardAPIVolumeSource": "items defaultMode*",
        "V1DownwardAPIVolumeFile": "path! fieldRef resourceFieldRef mode*",
        "V1ObjectFieldSelector": "apiVersion fieldPath!",
        "V1ResourceFieldSelector": "containerName resource! divisor!:resource.Quantity",
        "V1FCVolumeSource": "targetWWNs lun* fsType readOnly wwids",
        "V1AzureFileVolumeSource": "secretName! shareName! readOnly",
        "V1ConfigMapVolumeSource": "LocalObjectReference.name items defaultMode* optional*",
        "V1VsphereVirtualDiskVolumeSource": "volumePath! fsType storagePolicyName storagePolicyID",
        "V1QuobyteVolumeSource": "registry! volume! readOnly user group tenant",
        "V1AzureDiskVolumeSource": (
            "diskName! diskURI! cachingMode*:v1.AzureDataDiskCachingMode fsType* readOnly* "
            "kind*:v1.AzureDataDiskKind"
        ),
        "V1PhotonPersistentDiskVolumeSource": "pdID! fsType",
        "V1ProjectedVolumeSource": "sources! defaultMode*",
        "V1VolumeProjection": "secret downwardAPI configMap serviceAccountToken clusterTrustBundle podCertificate",
        "V1SecretProjection": "LocalObjectReference.name items optional*",
        "V1DownwardAPIProjection": "items",
        "V1ConfigMapProjection": "LocalObjectReference.name items optional*",
        "V1ServiceAccountTokenProjection": "audience expirationSeconds*:int64 path!",
        "V1ClusterTrustBundleProjection": "name* signerName* labelSelector optional* path!",
        "V1PodCertificateProjection": (
            "signerName keyType maxExpirationSeconds* credentialBundlePath keyPath certificateChainPath "
            "userAnnotations"
        ),
        "V1PortworxVolumeSource": "volumeID! fsType readOnly",
        "V1ScaleIOVolumeSource": (
            "gateway! system! secretRef! sslEnabled protectionDomain storagePool storageMode volumeName fsType "
            "readOnly"
        ),
        "V1StorageOSVolumeSource": "volumeName volumeNamespace fsType readOnly secretRef",
        "V1CSIVolumeSource": "driver! readOnly* fsType* volumeAttributes nodePublishSecretRef",
        "V1EphemeralVolumeSource": "volumeClaimTemplate",
        "V1PersistentVolumeClaimTemplate": "metadata! spec!",
        "V1PersistentVolumeClaimSpec": (
            "accessModes:[]v1.PersistentVolumeAccessMode selector resources! volumeName storageClassName* "
            "volumeMode*:v1.PersistentVolumeMode dataSource dataSourceRef volumeAttributesClassName*"
        ),
        "V1VolumeResourceRequirements": "limits:v1.ResourceList requests:v1.ResourceList",
        "V1TypedLocalObjectReference": "apiGroup* kind! name!",
        "V1TypedObjectReference": "apiGroup* kind! name! namespace*",
        "V1ImageVolumeSource": "reference pullPolicy:v1.PullPolicy",
        "V1Container": (
            "name! image command args workingDir ports[containerPort,protocol] envFrom env[name] resources! "
            "resizePolicy restartPolicy*:v1.ContainerRestartPolicy restartPolicyRules volumeMounts[mountPath] "
            "volumeDevices[devicePath] livenessProbe readinessProbe startupProbe lifecycle "
            "terminationMessagePath terminationMessagePolicy:v1.TerminationMessagePolicy "
            "imagePullPolicy:v1.PullPolicy securityContext stdin stdinOnce tty"
        ),
        "V1ContainerPort": "name hostPort containerPort! protocol:v1.Protocol hostIP",
        "V1EnvFromSource": "prefix configMapRef secretRef",
        "V1ConfigMapEnvSource": "LocalObjectReference.name optional*",
        "V1SecretEnvSource": "LocalObjectReference.name optional*",
        "V1EnvVar": "name! value valueFrom",
        "V1EnvVarSource": "fieldRef resourceFieldRef configMapKeyRef secretKeyRef fileKeyRef",
        "V1ConfigMapKeySelector": "LocalObjectReference.name key! optional*",
        "V1SecretKeySelector": "LocalObjectReference.name key! optional*",
        "V1FileKeySelector": "volumeName! path! key! optional*",
        "V1ResourceRequirements": "limits:v1.ResourceList requests:v1.ResourceList claims[name]",
        "CoreV1ResourceClaim": "name! request",
        "V1ContainerResizePolicy": "resourceName!:v1.ResourceName restartPolicy!:v1.ResourceResizeRestartPolicy",
        "V1ContainerRestartRule": "action:v1.ContainerRestartRuleAction exitCodes",
        "V1ContainerRestartRuleOnExitCodes": "operator:v1.ContainerRestartRuleOnExitCodesOperator values[]",
        "V1VolumeMount": (
            "name! readOnly recursiveReadOnly*:v1.RecursiveReadOnlyMode mountPath! subPath "
            "mountPropagation*:v1.MountPropagationMode subPathExpr"
        ),
        "V1VolumeDevice": "name! devicePath!",
        "V1Probe": (
            "ProbeHandler.exec ProbeHandler.httpGet ProbeHandler.tcpSocket ProbeHandler.grpc "
            "initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold "
            "terminationGracePeriodSeconds*:int64"
        ),
        "V1ExecAction": "command",
        "V1HTTPGetAction": "path port! host scheme:v1.URIScheme httpHeaders",
        "V1HTTPHeader": "name! value!",
        "V1TCPSocketAction": "port! host",
        "V1GRPCAction": "port! service*",
        "V1Lifecycle": "postStart preStop stopSignal*:v1.Signal",
        "V1LifecycleHandler": "exec httpGet tcpSocket sleep",
        "V1SleepAction": "seconds!:int64",
        "V1SecurityContext": (
            "capabilities privileged* seLinuxOptions windowsOptions runAsUser*:int64 runAsGroup*:int64 "
            "runAsNonRoot* readOnlyRootFilesystem* allowPrivilegeEscalation* procMount*:v1.ProcMountType "
            "seccompProfile appArmorProfile"
        ),
        "V1Capabilities": "add:[]v1.Capability drop:[]v1.Capability",
        "V1SELinuxOptions": "user role type level",
        "V1WindowsSecurityContextOptions": (
            "gmsaCredentialSpecName* gmsaCredentialSpec* runAsUserName* hostProcess*"
        ),
        "V1SeccompProfile": "type!:v1.SeccompProfileType localhostProfile*",
        "V1AppArmorProfile": "type!:v1.AppArmorProfileType localhostProfile*",
        "V1EphemeralContainer": (
            "EphemeralContainerCommon.name! EphemeralContainerCommon.image EphemeralContainerCommon.command "
            "EphemeralContainerCommon.args EphemeralContainerCommon.workingDir "
            "EphemeralContainerCommon.ports[containerPort,protocol] EphemeralContainerCommon.envFrom "
            "EphemeralContainerCommon.env[name] EphemeralContainerCommon.resources! "
            "EphemeralContainerCommon.resizePolicy "
            "EphemeralContainerCommon.restartPolicy*:v1.ContainerRestartPolicy "
            "EphemeralContainerCommon.restartPolicyRules EphemeralContainerCommon.volumeMounts[mountPath] "
            "EphemeralContainerCommon.volumeDevices[devicePath] EphemeralContainerCommon.livenessProbe "
            "EphemeralContainerCommon.readinessProbe EphemeralContainerCommon.startupProbe "
            "EphemeralContainerCommon.lifecycle EphemeralContainerCommon.terminationMessagePath "
            "EphemeralContainerCommon.terminationMessagePolicy:v1.TerminationMessagePolicy "
            "EphemeralContainerCommon.imagePullPolicy:v1.PullPolicy EphemeralContainerCommon.securityContext "
            "EphemeralContainerCommon.stdin EphemeralContainerCommon.stdinOnce EphemeralContainerCommon.tty "
            "targetContainerName"
        ),
        "V1PodSecurityContext": (
            "seLinuxOptions windowsOptions runAsUser*:int64 runAsGroup*:int64 runAsNonRoot* "
            "supplementalGroups:[]int64 supplementalGroupsPolicy*:v1.SupplementalGroupsPolicy fsGroup*:int64 "
            "sysctls fsGroupChangePolicy*:v1.PodFSGroupChangePolicy seccompProfile appArmorProfile "
            "seLinuxChangePolicy*:v1.PodSELinuxChangePolicy"
        ),
        "V1Sysctl": "name! value!",
        "V1Affinity": "nodeAffinity podAffinity podAntiAffinity",
        "V1NodeAffinity": (
            "requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution"
        ),
        "V1NodeSelector": "nodeSelectorTerms!",
        "V1NodeSelectorTerm": "matchExpressions matchFields",
        "V1NodeSelectorRequirement": "key! operator!:v1.NodeSelectorOperator values",
        "V1PreferredSchedulingTerm": "weight! preference!",
        "V1PodAffinity": (
            "requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution"
        ),
        "V1PodAffinityTerm": (
            "labelSelector namespaces topologyKey! namespaceSelector matchLabelKeys mismatchLabelKeys"
        ),
        "V1WeightedPodAffinityTerm": "weight! podAffinityTerm!",
        "V1PodAntiAffinity": (
            "requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution"
        ),
        "V1Toleration": "key operator:v1.TolerationOperator value effect:v1.TaintEffect tolerationSeconds*:int64",
        "V1HostAlias": "ip! hostnames",
        "V1PodDNSConfig": "nameservers searches options",
        "V1PodDNSConfigOption": "name value*",
        "V1PodReadinessGate": "conditionType!:v1.PodConditionType",
        "V1TopologySpreadConstraint": (
            "maxSkew! topologyKey! whenUnsatisfiable!:v1.UnsatisfiableConstraintAction labelSelector "
            "minDomains* nodeAffinityPolicy*:v1.NodeInclusionPolicy nodeTaintsPolicy*:v1.NodeInclusionPolicy "
            "matchLabelKeys"
        ),
        "V1PodOS": "name!:v1.OSName",
        "V1PodSchedulingGate": "name!",
        "V1PodResourceClaim": "name! resourceClaimName* resourceClaimTemplateName*",
        "V1PodSchedulingGroup": "podGroupName*",
        "V1JobStatus": (
            "conditions startTime* completionTime* active succeeded failed terminating* completedIndexes "
            "failedIndexes* uncountedTerminatedPods ready*"
        ),
        "V1JobCondition": (
            "type!:v1.JobConditionType status!:v1.ConditionStatus lastProbeTime! lastTransitionTime! reason message"
        ),
        "V1UncountedTerminatedPods": "succeeded[]:[]types.UID failed[]:[]types.UID",
    }
)
