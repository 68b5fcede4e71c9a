// A replayed actor, for people and for programs.
import { inspect, styleText } from "node:util"
import {
  type Difference,
  differenceOf,
  type Exported,
  formatAddress,
  type Replayed,
  type ReplayedEffect,
  type ReplayedMessage,
  type ReplayedStep,
  type ReplayStart,
  type ReplaySummary,
  type ReplayVerdict,
  summarize
} from "../../runtime/index.ts"
import { counted, dataText, indented, plain } from "../table.ts"

const LABEL_WIDTH = 11
const VALUE_CHARACTERS_MAX = 80
/** A step that changes more than this is cut; `--json` has all of it. */
const LINES_MAX = 12
const EVENT_LINES_MAX = 8
const EVENT = {
  depth: 6,
  compact: true,
  breakLength: Number.POSITIVE_INFINITY,
  maxArrayLength: 5,
  maxStringLength: 200
}
const WRAPPED = /\S.{0,88}(?=\s|$)|\S{1,89}/g

type Line = readonly [label: string, text: string]

/** The story step by step, the state at its end, and how it went. */
export const replayText = ({ namespace, recording }: Exported, replayed: ReadonlyArray<Replayed>): string => {
  const start = replayed.find((each) => each.kind === "start")
  const state = stateAt(replayed)
  return [
    `${formatAddress(recording.address)} of namespace ${namespace}${start === undefined ? "" : `, ${startText(start)}`}`,
    ...replayed.flatMap((each) => (each.kind === "step" ? ["", stepText(each)] : [])),
    "",
    ...(state === undefined ? [] : ["state at the end", indented(dataText(state)), ""]),
    summaryText(summarize(replayed))
  ].join("\n")
}

const startText = ({ from, sequence }: ReplayStart): string =>
  from === "beginning"
    ? "from its first message on"
    : `whose journal begins with a snapshot: the story starts after message ${sequence}`

/** The last state that is known; nothing before the first step. */
const stateAt = (replayed: ReadonlyArray<Replayed>): unknown => {
  const last = replayed.findLast((each) => each.kind === "start" || (each.kind === "step" && "after" in each))
  return last?.kind === "step" ? last.after : last?.kind === "start" ? last.state : undefined
}

const stepText = (step: ReplayedStep): string => {
  const { sequence, time, message, events, effects, difference, verdict } = step
  const lines: ReadonlyArray<Line> = [
    ["message", `${plain(message.name, 60)} ${originOf(message)}`.trimEnd()],
    ...bodyLines(message),
    ...events.flatMap(({ _tag, data }) => eventLines(_tag, data)),
    ...effects.map(effectLine),
    ...changeLines("after" in step, difference),
    ...verdictLines(verdict)
  ]
  return [`${sequence}  ${instantText(time)}`, ...labelled(lines)].join("\n")
}

/** A label is said once, however many lines it has. */
const labelled = (lines: ReadonlyArray<Line>): ReadonlyArray<string> =>
  lines.map(([label, text], index) => {
    const shown = lines[index - 1]?.[0] === label ? "" : label
    return `  ${shown.padEnd(LABEL_WIDTH)}${text}`
  })

const originOf = ({ from, original }: ReplayedMessage): string => {
  if (original === undefined) return from === undefined ? "" : `from ${plain(from, 200)}`
  if (typeof original === "string") return "(no message at all)"
  if (original.kind === "timer") return `from its timer ${plain(original.name, 60)}`
  if (original.kind === "outcome") return `from its activity ${plain(original.key, 60)}`
  return `from ${from === undefined ? "a client" : plain(from, 200)}`
}

const bodyLines = ({ original }: ReplayedMessage): ReadonlyArray<Line> => {
  if (original === undefined) return []
  if (typeof original === "string") return [["message", valueText(original)]]
  return [["message", valueText(original.kind === "outcome" ? original.result : original.body)]]
}

/** Events are what happened: they are told in full, where they are not very large. */
const eventLines = (tag: string, data: unknown): ReadonlyArray<Line> => {
  const lines = wrapped(`${plain(tag, 60)} ${plain(inspect(data, EVENT))}`)
  const shown = lines.slice(0, EVENT_LINES_MAX).map((line): Line => ["event", line])
  return lines.length > shown.length ? [...shown, ["event", "…"]] : shown
}

/** A text in lines that break between words, and within one only where it is longer than a line. */
const wrapped = (text: string): ReadonlyArray<string> => text.match(WRAPPED) ?? []

const effectLine = (effect: ReplayedEffect): Line => {
  switch (effect.effect) {
    case "timer":
      return ["timer", `${plain(effect.name, 60)} at ${instantText(effect.at)}`]
    case "cancelled":
      return ["closed", `timer ${plain(effect.name, 60)}`]
    case "started":
      return ["started", `${plain(effect.activity, 60)} as ${plain(effect.key, 60)} ${valueText(effect.input, 40)}`]
    case "ended":
      return ["closed", `activity ${plain(effect.key, 60)}`]
    case "answered":
    case "refused":
      return [effect.effect, valueText(effect.body)]
    case "watched":
    case "unwatched":
      return [effect.effect, `by ${plain(effect.by, 200)}`]
    case "parked":
      return ["parked", `${effect.failure}: ${plain(effect.cause, VALUE_CHARACTERS_MAX)}`]
    case "stopped":
      return ["stopped", "for good"]
    case "sent":
      return ["sent", `${plain(effect.message, 60)} to ${plain(effect.to, 200)}`]
    case "published":
      return ["published", plain(effect.subject, 200)]
  }
}

const changeLines = (known: boolean, difference: ReadonlyArray<Difference>): ReadonlyArray<Line> => {
  if (!known) return [["state", "not known before the snapshot"]]
  if (difference.length === 0) return [["state", "unchanged"]]
  return cut("state", difference)
}

const cut = (label: string, changes: ReadonlyArray<Difference>): ReadonlyArray<Line> => {
  const lines = changes.slice(0, LINES_MAX).map((each): Line => [label, changeText(each)])
  const more = changes.length - lines.length
  return more === 0 ? lines : [...lines, [label, `… and ${counted(more, "change")} more`]]
}

const changeText = (change: Difference): string => {
  const path = change.path === "" ? "" : `${plain(change.path, 60)} `
  if (!("before" in change)) return `+ ${path}${valueText(change.after)}`
  if (!("after" in change)) return `- ${path}${valueText(change.before)}`
  return `~ ${path}${valueText(change.before, 40)} → ${valueText(change.after, 40)}`
}

const verdictLines = (verdict: ReplayVerdict): ReadonlyArray<Line> => {
  if (verdict.verdict === "same") return [["again", colored("green", "same")]]
  if (verdict.verdict === "not checked") return [["again", `${colored("yellow", "not checked")}: ${verdict.why}`]]
  const found = verdict.deviations.flatMap(({ what, recorded, decided }) => differenceOf(recorded, decided, what))
  return [["again", `${colored("red", "differs")}, journal → now`], ...cut("again", found)]
}

/** `5 steps, deciding again gave the same`, and what there is to say besides. */
export const summaryText = ({ steps, same, differs, unchecked, fault }: ReplaySummary): string => {
  const found = foundText(counted(steps, "step"), { steps, same, differs, unchecked })
  return fault === undefined ? found : `${found}; record ${fault.record} cannot be read: ${plain(fault.reason, 300)}`
}

const foundText = (all: string, { steps, same, differs, unchecked }: Omit<ReplaySummary, "fault">): string => {
  if (steps === 0) return "no step to tell"
  if (same === steps) return `${all}, deciding again gave the same events`
  return [
    `${all}: deciding again gave the same events in ${same}`,
    ...(differs > 0 ? [`something else in ${differs}`] : []),
    ...(unchecked > 0 ? [`${unchecked} could not be checked`] : [])
  ].join(", ")
}

/** To the millisecond: steps follow one another fast. */
const instantText = (millis: number): string => {
  const date = new Date(millis)
  return Number.isNaN(date.getTime()) ? String(millis) : date.toISOString()
}

const valueText = (value: unknown, charactersMax = VALUE_CHARACTERS_MAX): string =>
  plain(JSON.stringify(value) ?? "nothing", charactersMax)

const colored = (color: "green" | "red" | "yellow", text: string): string =>
  process.stdout.isTTY ? styleText(color, text) : text

/** The same for programs. */
export const replayJson = ({ namespace, recording }: Exported, replayed: ReadonlyArray<Replayed>) => {
  const { fault, ...summary } = summarize(replayed)
  const start = replayed.find((each) => each.kind === "start")
  return {
    namespace,
    type: recording.address.type,
    id: recording.address.id,
    start: start === undefined ? null : { from: start.from, sequence: start.sequence },
    steps: replayed.flatMap((each) => (each.kind === "step" ? [stepJson(each)] : [])),
    state: stateAt(replayed) ?? null,
    fault: fault === undefined ? null : { record: fault.record, reason: fault.reason },
    summary
  }
}

const stepJson = ({ kind: _, verdict: found, ...step }: ReplayedStep) => ({ ...step, ...found })
