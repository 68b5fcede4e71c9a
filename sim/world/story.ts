import {
  type CommitRecord,
  type Entry,
  type Envelope,
  formatAddress,
  parseEnvelope,
  parseRecord,
  parseReply,
  type StepRecord
} from "../../runtime/index.ts"
import type { Observer } from "../log/store.ts"

/** Tells what happens to the stream: who sent what, what was decided and stored, what was refused, and who was told. */
export const storyteller = (say: (who: string, what: string) => void): Observer => ({
  committed: ({ by, first, entries }) => {
    for (const [index, entry] of entries.entries()) for (const line of linesOf(entry, first + index)) say(by, line)
  },
  refused: (by, group, error) => {
    say(by, `REFUSED, ${error._tag} (${error.message}):`)
    for (const entry of group) for (const line of linesOf(entry, undefined)) say(by, `  not stored: ${line}`)
  },
  purged: (upTo, role, mails) => say("log", `removes ${mails.length} done messages of role ${role}, up to ${upTo}`),
  answered: (inbox, payload) => {
    const { id, from, outcome, body } = parseReply(payload)
    say(inbox.replace(/^reply\./, ""), `hears of ${from}: ${outcome} ${value(body)} to ${id}`)
  }
})

/** `sequence`: where it is stored, if it is. */
const linesOf = (entry: Entry, sequence: number | undefined): ReadonlyArray<string> => {
  const at = sequence === undefined ? "" : `#${sequence} `
  switch (entry.kind) {
    case "mail":
      return [`${at}to ${formatAddress(entry.to)}: ${tellMail(parseEnvelope(entry.payload))}`]
    case "journal": {
      const record = parseRecord(entry.payload)
      const name = formatAddress(entry.owner)
      return record.steps.map((step) => `${at}${name} ${tellStep(step)}`).concat(tellSnapshot(at, name, record))
    }
    case "timer":
      return [`${at}${formatAddress(entry.owner)} sets timer ${entry.name} to ${entry.at}`]
    case "untimer":
      return [`${at}${formatAddress(entry.owner)} cancels timer ${entry.name}`]
    case "event":
      return [`${at}event ${entry.subject} ${entry.payload}`]
    case "dead":
      return [`${at}${formatAddress(entry.owner)} parks a message`]
  }
}

const tellMail = (envelope: Envelope): string => {
  switch (envelope.kind) {
    case "message": {
      const { message, body, id, again } = envelope
      const about = [id === undefined ? "" : ` (${id})`, again === true ? ", asked again" : ""]
      return `${message} ${value(body)}${about.join("")}`
    }
    case "timer":
      return `timer ${envelope.name} of #${envelope.generation} fires`
    case "outcome":
      return `activity ${envelope.key} of #${envelope.generation} ended: ${value(envelope.result)}`
    case "watch":
      return `${envelope.from} ${envelope.message === undefined ? "watches no longer" : "watches"}`
  }
}

const tellStep = (step: StepRecord): string => {
  const done = [
    ...(step.events ?? []).map(({ _tag, data }) => `${_tag} ${value(data)}`),
    ...Object.keys(step.timers ?? {}).map((name) => `timer ${name} set`),
    ...(step.cancelled ?? []).map((name) => `timer ${name} cancelled`),
    ...Object.entries(step.started ?? {}).map(([key, { activity }]) => `${activity} ${key} started`),
    ...(step.ended ?? []).map((key) => `activity ${key} ended`),
    ...Object.keys(step.watched ?? {}).map((who) => `watched by ${who}`),
    ...(step.unwatched ?? []).map((who) => `no longer watched by ${who}`),
    ...(step.parked === undefined ? [] : [`PARKED: ${step.parked}`]),
    ...(step.stopped === true ? ["STOPPED"] : [])
  ]
  return `decides ${step.message} #${step.sequence}: ${done.join("; ") || "nothing"}`
}

const tellSnapshot = (at: string, name: string, { snapshot }: CommitRecord): ReadonlyArray<string> =>
  snapshot === undefined ? [] : [`${at}${name} snapshot ${value(snapshot.state)}`]

const value = (data: unknown): string => JSON.stringify(data) ?? ""
