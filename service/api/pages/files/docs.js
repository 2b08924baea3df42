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
  const answer = await fetch(url, { ...options, signal: leaving.signal });
  const timer = setTimeout(() => leaving.abort(), STREAM_MILLISECONDS);
  const pieces = [];
  try {
    for (let reader = answer.body.getReader(), piece; !(piece = await reader.read()).done; ) pieces.push(piece.value);
  } catch (error) {
    if (!leaving.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
  const { status, statusText, headers } = answer;
  return new Response(new Blob(pieces), { status, statusText, headers });
}

SwaggerUIBundle({
  dom_id: "#docs",
  url: new URL("openapi.json", document.baseURI).href,
  validatorUrl: null,
  deepLinking: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  requestInterceptor: (request) => (isStream(request.url) ? { ...request, userFetch: fetchBeginning } : request),
});
