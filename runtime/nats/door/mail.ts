import { Effect } from "effect"
import { addressFault } from "../../address.ts"
import { parseEnvelope } from "../../envelope.ts"
import { type LogRefused, LogReplaced, type ReadError, TooLarge } from "../../errors.ts"
import type { Membership } from "../../leases.ts"
import type { ActorLog } from "../../log.ts"
import { NESTED, nestingFault } from "../../nesting.ts"
import { type Mail, MESSAGE_ID } from "../../sending.ts"
import type { Subjects } from "../subjects.ts"
import type { Frame } from "./frame.ts"
import { type Behind, decodeAsked, refused } from "./keep.ts"
import { MailAsked } from "./words.ts"

const decode = decodeAsked(MailAsked)
/** It becomes a header. */
const GROUP_ID = /^[A-Za-z0-9._-]{1,128}$/

/**
 * Stores messages for actors, all of a group or none, each as its sender's own process would: once, however often it is sent
 * again with its id. What says that it comes from an actor, a timer or an activity is refused: only nodes may say so.
 */
export const mailDoor =
  (log: ActorLog["Service"], subjects: Subjects, membership: Effect.Effect<Membership, ReadError>): Behind =>
  (asked: Frame) =>
    Effect.gen(function* () {
      const request = yield* decode(asked)
      if (request.op === "state") {
        yield* log.check
        return answer(log)
      }
      const { mail, id, life } = request
      if (life !== undefined && life !== log.status.life) return yield* new LogReplaced({ detail: ANOTHER })
      if (id !== undefined && !GROUP_ID.test(id))
        return yield* refused("the group's id is not 1 to 128 of A-Z a-z 0-9 . _ -")
      if (mail.length === 0 || mail.length !== asked.parts.length)
        return yield* refused("not as many messages as envelopes")
      if (mail.length > log.limits.groupEntriesMax)
        return yield* refused(`a group has at most ${log.limits.groupEntriesMax} messages`)
      const group: Array<Mail> = []
      for (const [index, { to, id: messageId }] of mail.entries()) {
        const entry: Mail = {
          kind: "mail",
          to,
          payload: asked.parts[index] ?? "",
          ...(messageId !== undefined && { id: messageId })
        }
        const checked = faultOf(entry, log, subjects)
        if (typeof checked === "object") return yield* checked
        if (checked > 1 && checked > newestOf((yield* membership).nodes, to.type)) {
          return yield* refused(`no node knows version ${checked} of the messages to ${to.type}`)
        }
        group.push(entry)
      }
      // Those who store by themselves have ids of their own: the server must not take one of theirs for seen.
      return answer(log, yield* log.append(group, id === undefined ? undefined : `outside.${id}`))
    })

const ONLY_OPERATORS = "only an operator gives a message back"
/** As `retryOf` has it: the letter would be taken for given back. */
const RETRY_ID = /^retry \d+$/
const ANOTHER = "the stream is not the one that this process started with: start it anew"

const answer = ({ status }: ActorLog["Service"], sequence?: number): Frame => ({
  head: {
    life: status.life,
    lastSequence: status.lastSequence,
    ...(sequence !== undefined && { sequence })
  },
  parts: []
})

/** The newest version of the messages to a type that a living node knows. */
const newestOf = (nodes: Membership["nodes"], type: string): number =>
  Math.max(1, ...[...nodes.values()].map(({ protocols }) => protocols[type] ?? 1))

/** What is wrong with a message, or else its version. */
const faultOf = (
  { to, id, payload }: Mail,
  { limits }: ActorLog["Service"],
  subjects: Subjects
): LogRefused | TooLarge | number => {
  const invalid = addressFault(to)
  if (invalid !== undefined) return refused(invalid.message)
  if (id !== undefined && !MESSAGE_ID.test(id))
    return refused("a message id is not 1 to 256 characters without line breaks")
  if (id !== undefined && RETRY_ID.test(id)) return refused(ONLY_OPERATORS)
  const size = Buffer.byteLength(payload)
  const limit = limits.payloadBytesMax
  if (size > limit) return new TooLarge({ what: "the message", size, limit })
  const checked = envelopeFault(payload, subjects)
  return typeof checked === "string" ? refused(checked) : checked
}

const envelopeFault = (payload: string, subjects: Subjects): string | number => {
  // Before it is parsed: what is nested deeper can be read, and not be written.
  if (nestingFault(payload) !== undefined) return NESTED
  try {
    const envelope = parseEnvelope(payload)
    if (envelope.kind !== "message") return `only messages come from outside, and no ${envelope.kind}`
    if (envelope.from !== undefined) return "a message from outside comes from no actor"
    if (envelope.retry !== undefined || RETRY_ID.test(envelope.id ?? "")) return ONLY_OPERATORS
    const { reply, v = 1 } = envelope
    return reply === undefined || subjects.isInbox(reply) ? v : `${reply.slice(0, 100)} is no place for an answer`
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause)
  }
}
