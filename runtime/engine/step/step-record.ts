// A step that is put together as it is stored and sent: text, but for its record.
import { formatAddress } from "../../address.ts"
import { formatReply, nameOf } from "../../envelope.ts"
import type { StepRecord } from "../../journal.ts"
import type { Entry } from "../../log.ts"
import type { OutgoingAnswer } from "./decision.ts"
import type { StepParts } from "./step-parts.ts"

/** The step as it goes into the journal. */
export const toRecord = (parts: StepParts): StepRecord => {
  const { envelope, compiled, context } = parts
  const sent = envelope.kind === "message" ? envelope : undefined
  const id = envelope.kind === "outcome" ? envelope.id : sent?.id
  return {
    sequence: context.sequence,
    message: nameOf(envelope),
    time: context.time,
    correlation: envelope.correlation,
    ...(id !== undefined && { id }),
    ...(sent?.retry !== undefined && { retry: sent.retry }),
    ...(sent?.once !== undefined && { once: sent.once }),
    ...(sent?.from !== undefined && { from: sent.from }),
    ...(envelope.trace !== undefined && { trace: envelope.trace }),
    ...(compiled.complete && { mail: envelope }),
    ...(parts.events.length > 0 && { events: parts.events }),
    ...(notEmpty(parts.timers) && { timers: parts.timers }),
    ...(parts.cancelled.length > 0 && { cancelled: parts.cancelled }),
    ...(notEmpty(parts.started) && { started: parts.started }),
    ...(parts.ended.length > 0 && { ended: parts.ended }),
    ...(notEmpty(parts.recorded) && { answers: parts.recorded }),
    ...(parts.stopped && { stopped: true as const })
  }
}

const notEmpty = (record: object): boolean => {
  for (const _ in record) return true
  return false
}

/** What is stored with the record, in the order in which it was said. */
export const toEntries = ({ outgoing }: StepParts): ReadonlyArray<Entry> =>
  outgoing.map((each): Entry => {
    if (!("value" in each)) return each
    const payload = JSON.stringify(each.value)
    if (each.kind === "mail") return { kind: "mail", to: each.to, payload }
    if (each.kind === "event") return { kind: "event", subject: each.subject, payload }
    return { kind: "timer", owner: each.owner, name: each.name, at: each.at, payload }
  })

/** What is sent to who asked, once it is stored. */
export const toAnswers = ({ self, answers }: StepParts): ReadonlyArray<OutgoingAnswer> => {
  if (answers.length === 0) return []
  const from = formatAddress(self)
  return answers.map(({ inbox, id, outcome, body }) => ({ inbox, payload: formatReply({ id, from, outcome, body }) }))
}
