import { Effect, type Fiber } from "effect"
import type { Authenticator } from "./authenticator.ts"
import type { Grant } from "./grant.ts"

export interface AdmissionOptions {
  readonly authenticator: Pick<Authenticator, "required" | "verify">
  readonly run: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  /** How long a client may take to say who it is, in milliseconds. */
  readonly authMillis: number
  /** `leftMillis`: for how long it is good, where it expires. */
  readonly granted: (id: string | null, grant: Grant, leftMillis: number | undefined) => void
  readonly refused: (id: string | null, reason: string) => void
  /** What was granted has run out, or nothing was granted in time. */
  readonly over: (why: "expired" | "silent") => void
}

/** One connection's way to a grant, and its end. At most one credential is looked at at a time. */
export interface Admission {
  /** Looks at a credential; `id` is that of the operation, null where it came with the handshake. */
  readonly verify: (id: string | null, credential: string) => void
  /** Takes a grant that was found out before, with the handshake. */
  readonly accept: (grant: Grant) => void
  /** Whether a credential is being looked at: what the client says meanwhile has to wait. */
  readonly busy: () => boolean
  /** The connection is gone. */
  readonly end: () => void
}

// A timer takes no longer time; one that fires early is set again.
const TIMER_MILLIS_MAX = 2 ** 31 - 1

export const makeAdmission = (options: AdmissionOptions): Admission => {
  const { authenticator, run, granted, refused, over } = options
  let busy = false
  let checking: Fiber.Fiber<void> | undefined
  let timer: Fiber.Fiber<void> | undefined

  const setTimer = (effect: Effect.Effect<void>) => {
    timer?.interruptUnsafe()
    timer = run(effect)
  }
  const expiry = (at: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      const left = at - Date.now()
      return left <= 0
        ? Effect.sync(() => over("expired"))
        : Effect.andThen(Effect.sleep(Math.min(left, TIMER_MILLIS_MAX)), expiry(at))
    })

  if (authenticator.required) {
    setTimer(
      Effect.delay(
        Effect.sync(() => over("silent")),
        options.authMillis
      )
    )
  }
  const accept = (id: string | null, grant: Grant): void => {
    const { expiresAt } = grant
    if (expiresAt === undefined) timer?.interruptUnsafe()
    else setTimer(expiry(expiresAt))
    granted(id, grant, expiresAt === undefined ? undefined : Math.max(0, expiresAt - Date.now()))
  }
  return {
    accept: (grant) => accept(null, grant),
    verify: (id, credential) => {
      busy = true
      const settle = (act: () => void) =>
        Effect.sync(() => {
          busy = false
          act()
        })
      checking = run(
        authenticator.verify(credential).pipe(
          Effect.matchEffect({
            onFailure: ({ reason }) => settle(() => refused(id, reason)),
            onSuccess: (grant) => settle(() => accept(id, grant))
          })
        )
      )
    },
    busy: () => busy,
    end: () => {
      checking?.interruptUnsafe()
      timer?.interruptUnsafe()
    }
  }
}
