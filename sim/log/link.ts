import { Effect, Exit } from "effect"
import type { LogUnavailable } from "../../runtime/index.ts"
import type { Channel, Host } from "./host.ts"

/** What is asked of the server, by name: a fault may concern one kind of call alone. */
export type LinkCall =
  | "append"
  | "journal"
  | "mail"
  | "events"
  | "pull"
  | "purge"
  | "watch"
  | "check"
  | "join"
  | "renew"
  | "acquire"
  | "release"
  | "membership"
  | "pause"

/** How one process reaches the server: what it asks, what it says, and what it is sent. */
export interface Link {
  /** The process's name, which no other process has or had. */
  readonly process: string
  /** Asks. `LogUnavailable` means that it may or may not have been served, or may be later. */
  readonly call: <A>(call: LinkCall, serve: (answer: (value: A) => void) => void) => Effect.Effect<A, LogUnavailable>
  /** Says something and waits for nothing. It may be lost. */
  readonly cast: (run: () => void) => void
  /**
   * A way from the server to this process. What is sent on one arrives in order. `events` may be lost; of `state` the
   * latest arrives in the end.
   */
  readonly channel: <A>(kind: "events" | "state", take: (value: A) => void) => Channel<A>
  /** Where a tail that is at a sequence reads on: there, or before, as after a server's restart. */
  readonly readOnFrom: (sequence: number) => number
}

/** The way of a process that is as near to the server as can be: nothing is lost, and nothing takes time. */
export const directLink = (process: string, host: Host): Link & { readonly cut: () => void } => {
  let open = true
  return {
    process,
    call: (_, serve) => Effect.callback((resume) => serve((value) => resume(Exit.succeed(value)))),
    cast: (run) => run(),
    channel: (_, take) => ({
      send: (value) => {
        if (open) host.at(host.now(), () => open && take(value))
        return open
      }
    }),
    readOnFrom: (sequence) => sequence,
    cut: () => {
      open = false
    }
  }
}
