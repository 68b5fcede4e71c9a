import { formatAddress } from "../../address.ts"
import { formatReply, parseEnvelope } from "../../envelope.ts"
import type { Mail } from "../../log.ts"
import type { OutgoingAnswer } from "../step/decision.ts"

/** What tells an asker why its message waits; nothing for a message that is no ask. */
export const noticeOfWaiting = ({ to, payload }: Mail, detail: string): OutgoingAnswer | undefined => {
  try {
    const envelope = parseEnvelope(payload)
    if (envelope.kind !== "message" || envelope.reply === undefined || envelope.id === undefined) return undefined
    const { reply: inbox, id } = envelope
    return { inbox, payload: formatReply({ id, from: formatAddress(to), outcome: "waiting", body: { detail } }) }
  } catch {
    return undefined // it will be parked
  }
}
