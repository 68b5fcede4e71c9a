// An inspected actor, for people.
import { formatAddress, formatTarget, type Inspection } from "../../runtime/index.ts"
import { counted, dataText, durationText, indented, plain, table, timeText } from "../table.ts"
import { letterJson, letterRows } from "./letters.ts"
import { pauseJson } from "./operate.ts"

const LABEL_WIDTH = 12

/** All there is of an actor, as lines and tables. */
export const inspectionText = (found: Inspection): string =>
  [
    formatAddress(found.address),
    ...linesOf(found).map(([label, text]) => `  ${label.padEnd(LABEL_WIDTH)}${text}`),
    ...section("state", stateText(found)),
    ...section("records", stepTable(found)),
    ...section("dead letters", found.letters.length === 0 ? undefined : letterRows(found.letters))
  ].join("\n")

const section = (title: string, text: string | undefined): ReadonlyArray<string> =>
  text === undefined ? [] : [`  ${title}`, indented(text, "    ")]

const linesOf = (found: Inspection): ReadonlyArray<readonly [label: string, text: string]> => {
  const { backlog, pause } = found
  const behind =
    backlog.waiting === 0
      ? "nothing"
      : `${counted(backlog.waiting, "message")}, ${durationText(backlog.secondsBehind)} behind`
  return [
    ["consumed", found.consumed === 0 ? "no message yet" : `messages up to sequence ${found.consumed}`],
    ["waiting", behind],
    ...(pause === undefined
      ? []
      : [
          [
            "paused",
            `by ${pause.by}, ${formatTarget(pause.target)}, since ${timeText(pause.since)}: ${plain(pause.cause)}`
          ] as const
        ]),
    ...(found.fault === undefined ? [] : [["fault", plain(found.fault, 500)] as const]),
    ...found.timers.map(
      ({ name, at }) => ["timer", `${name} ${at === undefined ? "has fired" : `at ${timeText(at)}`}`] as const
    ),
    ...found.activities.map(({ key, activity }) => ["activity", `${activity} is open, key ${plain(key, 100)}`] as const)
  ]
}

const stateText = ({ state, stateOf }: Inspection): string | undefined => {
  if (stateOf === "nothing") return undefined
  const old = stateOf === "snapshot" ? "of the last snapshot: this version does not know the type\n" : ""
  return old + dataText(state)
}

const stepTable = ({ records }: Inspection): string | undefined => {
  const rows = records.flatMap(({ sequence, steps, content }) =>
    steps.length === 0
      ? [[sequence, "", "", "", `cannot be read: ${plain(JSON.stringify(content), 80)}`]]
      : steps.map((step) => [
          sequence,
          step.sequence,
          timeText(step.time),
          plain(step.message, 40),
          step.parked === undefined
            ? (step.events ?? []).map(({ _tag }) => plain(_tag, 40)).join(", ")
            : `parked: ${plain(step.parked, 80)}`
        ])
  )
  return rows.length === 0 ? undefined : table(["RECORD", "MAIL", "STORED", "MESSAGE", "EVENTS"], rows)
}

/** The same for programs. */
export const inspectionJson = (found: Inspection) => ({
  type: found.address.type,
  id: found.address.id,
  consumed: found.consumed,
  waiting: found.backlog.waiting,
  seconds_behind: found.backlog.secondsBehind,
  paused: found.pause === undefined ? null : pauseJson(found.pause),
  fault: found.fault ?? null,
  state: found.state,
  state_of: found.stateOf,
  timers: found.timers.map(({ name, at }) => ({ name, at: at ?? null })),
  activities: found.activities,
  records: found.records.map(({ sequence, content }) => ({ sequence, content })),
  dead_letters: found.letters.map(letterJson)
})
