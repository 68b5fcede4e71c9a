import { Effect } from "effect"
import type { Entry, ReadError } from "../../runtime/index.ts"
import type { Ports } from "../../sim/index.ts"

type Disguise = (ports: Ports) => Ports
type Journal = Extract<Entry, { kind: "journal" }>

const isJournal = (entry: Entry): entry is Journal => entry.kind === "journal"

const withLog =
  (change: (log: Ports["log"]) => Partial<Ports["log"]>): Disguise =>
  (ports) => ({
    ...ports,
    log: { ...ports.log, ...change(ports.log) }
  })

/** As if the guard was not there: what is stale is written after what is there. */
const unguarded = (log: Ports["log"], group: ReadonlyArray<Entry>): ReturnType<Ports["log"]["append"]> => {
  const renewed = (entry: Entry): Effect.Effect<Entry, ReadError> =>
    isJournal(entry)
      ? Effect.map(log.readJournal(entry.owner), (read) => ({ ...entry, expected: read.at(-1)?.sequence ?? 0 }))
      : Effect.succeed(entry)
  return Effect.catchTag(log.append(group), "Fenced", () =>
    Effect.flatMap(Effect.forEach(group, renewed), (entries) => log.append(entries))
  )
}

/** First what the step sends, and then its record: two groups where there should be one. */
const inHalves = (log: Ports["log"], group: ReadonlyArray<Entry>, id: string | undefined) => {
  const records = group.filter(isJournal)
  if (records.length !== 1 || group.length === 1) return log.append(group, id)
  const sent = group.filter((entry) => !isJournal(entry))
  return Effect.andThen(
    log.append(sent),
    Effect.map(log.append(records), (sequence) => sequence + sent.length)
  )
}

const everyNth = (nth: number) => {
  let count = 0
  return () => ++count % nth === 0
}

/** Something else in its place, so that the sequences stay. */
const nothing: Entry = { kind: "event", subject: "nothing", payload: "{}" }

/** Deliberate defects, each with the law that should notice it. */
export const DEFECTS: Readonly<Record<string, { readonly law: RegExp; readonly make: () => Disguise }>> = {
  "journals have no guard": {
    law: /one history/,
    make: () =>
      withLog((log) => ({ append: (group, id) => (id === undefined ? unguarded(log, group) : log.append(group, id)) }))
  },
  "what may not be stored is taken to be": {
    law: /only of what is committed|one effect/,
    make: () =>
      withLog((log) => {
        let last = 0
        return {
          append: (group, id) =>
            log.append(group, id).pipe(
              Effect.tap((sequence) => Effect.sync(() => (last = sequence))),
              Effect.catchTag("LogUnavailable", () => Effect.sync(() => (last += group.length)))
            )
        }
      })
  },
  "a step is stored in two halves": {
    law: /stored with all/,
    make: () => withLog((log) => ({ append: (group, id) => inHalves(log, group, id) }))
  },
  "one message too many is removed": {
    law: /removed before/,
    make: () => withLog((log) => ({ purge: (upTo, role) => log.purge(upTo + 1, role) }))
  },
  "ids of groups are forgotten": {
    law: /effect once/,
    make: () => withLog((log) => ({ append: (group) => log.append(group) }))
  },
  "every 20th message is not delivered": {
    law: /removed before|left undone/,
    make: () =>
      withLog((log) => ({
        tail: (after, deliver, reached) => {
          const isLost = everyNth(20)
          return log.tail(after, (mail) => (isLost() ? undefined : deliver(mail)), reached)
        }
      }))
  },
  "the tail says that it is further than it is": {
    law: /removed before/,
    make: () =>
      withLog((log) => ({
        tail: (after, deliver, reached = () => undefined) => log.tail(after, deliver, (upTo) => reached(upTo + 2))
      }))
  },
  "every 2nd timer is not set": {
    law: /stored with all/,
    make: () =>
      withLog((log) => {
        const isLost = everyNth(2)
        const lossy = (entry: Entry) => (entry.kind === "timer" && isLost() ? nothing : entry)
        return { append: (group, id) => log.append(group.map(lossy), id) }
      })
  },
  "every 10th message of a step is not sent": {
    law: /the other gets once/,
    make: () =>
      withLog((log) => {
        const isLost = everyNth(10)
        const lossy = (entry: Entry) => (entry.kind === "mail" && isLost() ? nothing : entry)
        return { append: (group, id) => log.append(group.some(isJournal) ? group.map(lossy) : group, id) }
      })
  },
  "the newest record is not read": {
    law: /left undone|one history/,
    make: () =>
      withLog((log) => ({
        readJournal: (owner) => Effect.map(log.readJournal(owner), (records) => records.slice(0, -1))
      }))
  },
  "answers go out although nobody knows what is stored": {
    law: /only of what is committed/,
    make: () =>
      withLog((log) => ({
        append: (group, id) =>
          log.append(group, id).pipe(Effect.catchTag(["LogUnavailable", "LogFull"], () => Effect.succeed(1_000_000)))
      }))
  }
}
