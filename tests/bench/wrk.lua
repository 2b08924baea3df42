-- What wrk cannot be told by flags comes from the environment; the credentials do because a command line is public.
local authorization = os.getenv("WRK_AUTHORIZATION")
if authorization then
  wrk.headers["Authorization"] = authorization
end

-- A path with a place for a number asks for that many Jobs in turn, written once: formatting takes time.
local pattern, count = os.getenv("WRK_PATTERN"), tonumber(os.getenv("WRK_COUNT"))
if pattern then
  local requests, last = {}, 0
  init = function()
    for number = 0, count - 1 do
      requests[number + 1] = wrk.format("GET", string.format(pattern, number))
    end
  end
  request = function()
    last = last % count + 1
    return requests[last]
  end
end

-- A manifest with a place for a name is sent with a new one each time.
local before, after = os.getenv("WRK_BEFORE_NAME"), os.getenv("WRK_AFTER_NAME")
if before then
  local prefix, last = os.getenv("WRK_NAME"), 0
  wrk.headers["Content-Type"] = "application/yaml"
  request = function()
    last = last + 1
    return wrk.format("POST", nil, nil, before .. prefix .. last .. after)
  end
end

-- A pause before each request makes a small load of a steady rate.
local pause = tonumber(os.getenv("WRK_PAUSE_MS"))
if pause then
  delay = function() return pause end
end

-- Prints what wrk found as one line of JSON: its own table rounds, and hides how many answers were errors.
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '{"seconds": %.6f, "requests": %d, "bytes": %d, "p50_ms": %.3f, "p99_ms": %.3f, "max_ms": %.3f, "errors": %d}\n',
    summary.duration / 1e6, summary.requests, summary.bytes,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
