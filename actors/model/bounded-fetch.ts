/** More than this is no answer of a model that was given a limit of tokens. */
export const BODY_BYTES_MAX = 1_048_576

/** What an answer that is larger fails with. */
export const TOO_LARGE = "the body is too large"

/**
 * `fetch` that reads no more than `BODY_BYTES_MAX` of an answer, and follows nobody to another address: the key in a header of its own
 * would go along.
 */
export const boundedFetch: typeof fetch = async (input, init) => {
  const response = await fetch(input, { ...init, redirect: "error" })
  if (response.body === null) return response
  let size = 0
  const bounded = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      size += chunk.byteLength
      if (size > BODY_BYTES_MAX) controller.error(new Error(TOO_LARGE))
      else controller.enqueue(chunk)
    }
  })
  const { status, statusText, headers } = response
  return new Response(response.body.pipeThrough(bounded), { status, statusText, headers })
}
