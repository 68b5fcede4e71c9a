import type { Problem } from "../../protocols/index.ts"
import type { Failure } from "../failures/failure.ts"
import type { Reply } from "../uws.ts"

/** A failure as HTTP tells it: a problem document (RFC 9457). `correlationId`: under which its request is followed. */
export const problem = (failure: Failure, correlationId?: string): Reply => {
  const { status, code, title, detail, field, retrySeconds, headers, close } = failure
  const body: Problem = {
    type: `urn:conclave:problem:${code}`,
    title,
    status,
    detail,
    ...(field === undefined ? {} : { field }),
    ...(correlationId === undefined ? {} : { correlation_id: correlationId })
  }
  return {
    status,
    headers: {
      "content-type": "application/problem+json",
      ...(retrySeconds === undefined ? {} : { "retry-after": String(retrySeconds) }),
      ...headers
    },
    body: JSON.stringify(body),
    ...(close === undefined ? {} : { close })
  }
}
