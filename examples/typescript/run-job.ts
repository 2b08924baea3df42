// Runs a command as a Job and waits for its end, with the types that `npm run generate` makes of /openapi.json.
//
//   npm start -- URL NAMESPACE IMAGE COMMAND...
//
// TOKEN_FILE  a file with a token, where callers show one
//
// The log goes to standard output. It ends with 0 when the Job is complete, 1 when it failed, 2 when the service says
// no or does not answer. The Job is deleted in any case.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";

import createClient, { type Client } from "openapi-fetch";

import type { components, paths } from "./generated/schema.js";

type Job = components["schemas"]["Job"];
type JobManifest = components["schemas"]["JobManifest"];
type Status = components["schemas"]["Status"];
// Of the forms that an answer may have, the one that comes unasked; by all of them a list might be YAML or a watch.
type JobApi = Client<paths, "application/json">;

const JOBS = "/api/v1/_raw/job/namespace/{namespace}";
const JOB = `${JOBS}/name/{name}` as const;
const WAIT_SECONDS = 60;

/** The service, or the apiserver through it, says no; its Status says why. */
class Refused extends Error {
  constructor(readonly status: Status) {
    super(`${status.code} ${status.reason}: ${status.message}`);
  }
}

/** Return what is to run. */
function manifestOf(name: string, image: string, command: string[]): JobManifest {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name },
    spec: {
      backoffLimit: 0,
      ttlSecondsAfterFinished: 3600, // should nobody be left to delete it
      template: { spec: { restartPolicy: "Never", containers: [{ name: "main", image, command }] } },
    },
  };
}

/** Return what the calls are made with. */
function jobApi(baseUrl: string, tokenFile: string | undefined): JobApi {
  const api = createClient<paths, "application/json">({ baseUrl });
  if (tokenFile !== undefined) {
    api.use({
      onRequest({ request }) {
        // Read for each call, as projected tokens are renewed.
        request.headers.set("Authorization", `Bearer ${readFileSync(tokenFile, "utf8").trim()}`);
      },
    });
  }
  return api;
}

/** Return what an answer holds that is no error. */
function answered<T>(answer: { data: T; error?: never } | { data?: never; error: Status }): T {
  if (answer.error !== undefined) throw new Refused(answer.error);
  return answer.data;
}

/** Return the Job once it is finished. */
async function finished(api: JobApi, path: { namespace: string; name: string }): Promise<Job> {
  for (;;) {
    const answer = await api.GET(`${JOB}/wait`, { params: { path, query: { timeoutSeconds: WAIT_SECONDS } } });
    const notYet = answer.error?.details?.causes?.some((cause) => cause.reason === "ConditionNotMet");
    if (notYet) continue;
    const found = answered(answer);
    if (found.kind === "Job") return found;
    throw new Error("a Status is the answer to for=delete only");
  }
}

/** Run a Job, and tell whether it is complete. */
async function runJob(api: JobApi, namespace: string, name: string, manifest: JobManifest): Promise<boolean> {
  const path = { namespace, name };
  answered(await api.POST(JOBS, { params: { path: { namespace } }, body: manifest }));
  try {
    const job = answered(await api.GET(JOB, { params: { path } }));
    console.error(`${name} is there since ${job.metadata?.creationTimestamp}`);
    const { status } = await finished(api, path);
    process.stdout.write(answered(await api.GET(`${JOB}/log`, { params: { path }, parseAs: "text" })));
    const end = status?.conditions?.find(({ type, status }) => status === "True" && /^(Complete|Failed)$/.test(type));
    console.error(`${end?.type}: ${end?.message}`);
    return end?.type === "Complete";
  } finally {
    answered(await api.DELETE(JOB, { params: { path } }));
  }
}

const [url, namespace, image, ...command] = process.argv.slice(2);
if (url === undefined || namespace === undefined || image === undefined || command.length === 0) {
  console.error("usage: run-job URL NAMESPACE IMAGE COMMAND...");
  process.exit(2);
}
const name = `run-job-${randomUUID().slice(0, 8)}`;
try {
  const api = jobApi(url, process.env["TOKEN_FILE"]);
  const complete = await runJob(api, namespace, name, manifestOf(name, image, command));
  process.exitCode = complete ? 0 : 1;
} catch (error) {
  console.error(error instanceof Refused ? error.message : error);
  process.exitCode = 2;
}
