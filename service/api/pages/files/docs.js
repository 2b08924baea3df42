"use strict";

// The page shows an answer when it is over, and a stream never is.
const STREAM_MILLISECONDS = 10_000;

function isStream(url) {
  const query = new URL(url, document.baseURI).searchParams;
  return ["watch", "follow"].some((name) => ["true", "1"].includes(query.get(name)));
}

/** Fetches what comes of a stream within a time, as an answer that is over. */
async function fetchBeginning(url, options) {
  const leaving = new AbortController();
  const timer = setTimeout(() => leaving.abort(new Error("Nothing came within ten seconds.")), STREAM_MILLISECONDS);
  try {
    const answer = await fetch(url, { ...options, signal: leaving.signal });
    if (!answer.ok) return answer;
    const { status, statusText, headers } = answer;
    return new Response(await beginningOf(answer.body, leaving.signal), { status, statusText, headers });
  } finally {
    clearTimeout(timer);
  }
}

async function beginningOf(body, signal) {
  const pieces = [];
  try {
    for (let reader = body.getReader(), piece; !(piece = await reader.read()).done; ) pieces.push(piece.value);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return new Blob(pieces);
}

/** Returns the service's description as far as a person reads it: drawing these takes a browser ten seconds. */
async function readDescription() {
  const answer = await fetch("openapi.json");
  const description = await answer.json();
  for (const kind of ["PodSpec", "PodStatus"])
    description.components.schemas[kind] = { type: "object", description: "as in Kubernetes" };
  return description;
}

readDescription().then(
  (spec) =>
    SwaggerUIBundle({
      spec,
      dom_id: "#docs",
      validatorUrl: null,
      deepLinking: true,
      persistAuthorization: false,
      tryItOutEnabled: true,
      defaultModelsExpandDepth: 0,
      requestInterceptor: (request) => (isStream(request.url) ? { ...request, userFetch: fetchBeginning } : request),
    }),
  (error) => {
    document.querySelector("#docs").textContent = `The description cannot be read: ${error.message}`;
  },
);
