import type { Entry, Mail, PublishedEvent } from "../../runtime/index.ts"
import { ControlTable } from "./controls.ts"
import { EventStore } from "./event-store.ts"
import type { Channel, Host } from "./host.ts"
import { LeaseTable } from "./leases.ts"
import { type Commit, type Observer, Store } from "./store.ts"
import { matches } from "./subject.ts"

/** Mail that a tail gets at once, and the sequence up to which there was none but it. */
export interface MailPage {
  readonly mails: ReadonlyArray<Mail>
  readonly upTo: number
}

export interface ServerOptions {
  /** Shards of each role. */
  readonly shards: number
  /** How long a node lives without renewal. */
  readonly ttlMillis: number
  readonly observer?: Observer
}

const PAGE = 256
/** How long a tail waits for mail before it is told that there is none. */
const IDLE_MILLIS = 2_000

/** Everything that processes share: the stream, the leases, the controls, and who listens to what. */
export class SimulatedServer {
  readonly store: Store
  readonly events: EventStore
  readonly leases: LeaseTable
  readonly controls = new ControlTable()
  readonly #host: Host
  readonly #watchers = new Set<{ readonly pattern: string; readonly channel: Channel<PublishedEvent> }>()
  readonly #inboxes = new Map<string, Set<Channel<string>>>()
  readonly #hearers = new Set<Channel<string>>()
  readonly #observer: Observer | undefined
  #processes = 0

  constructor(host: Host, options: ServerOptions) {
    this.#host = host
    this.#observer = options.observer
    this.store = new Store(host, options.shards, options.observer)
    this.events = new EventStore(
      () => this.store.lastSequence,
      () => host.now()
    )
    this.leases = new LeaseTable(host, options.ttlMillis)
    this.store.listen((commit) => this.#show(commit))
  }

  /** A name that no process had before. */
  newProcess(): string {
    return `p${++this.#processes}`
  }

  /** Answers with mail of some shards after a sequence: at once if there is any, else when some comes, or with none. */
  pull(shards: ReadonlySet<string>, after: number, answer: (page: MailPage) => void): void {
    const read = () => this.#page(shards, after)
    this.#whenAny("mail", read, ({ mails }) => mails.length > 0, answer)
  }

  /** Answers with the events of a pattern after a sequence: at once if there are any, else when some come, or with none. */
  pullEvents(pattern: string, after: number, answer: (events: ReadonlyArray<PublishedEvent>) => void): void {
    const read = () => this.events.after(pattern, after)
    this.#whenAny("event", read, (events) => events.length > 0, answer)
  }

  #whenAny<A>(kind: Entry["kind"], read: () => A, isAny: (found: A) => boolean, answer: (found: A) => void): void {
    const found = read()
    if (isAny(found)) return answer(found)
    let waits = true
    const end = () => {
      if (!waits) return
      waits = false
      stop()
      answer(read())
    }
    const stop = this.store.listen(({ entries }) => {
      if (entries.some((entry) => entry.kind === kind) && isAny(read())) end()
    })
    this.#host.at(this.#host.now() + IDLE_MILLIS, end)
  }

  watch(pattern: string, channel: Channel<PublishedEvent>): () => void {
    const watcher = { pattern, channel }
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  takeAnswers(inbox: string, channel: Channel<string>): () => void {
    const channels = this.#inboxes.get(inbox) ?? new Set()
    this.#inboxes.set(inbox, channels.add(channel))
    return () => void channels.delete(channel)
  }

  answer(inbox: string, payload: string): void {
    this.#observer?.answered?.(inbox, payload)
    const channels = this.#inboxes.get(inbox)
    if (channels !== undefined) sendAll(channels, payload)
  }

  hear(channel: Channel<string>): () => void {
    this.#hearers.add(channel)
    return () => void this.#hearers.delete(channel)
  }

  broadcast(payload: string): void {
    sendAll(this.#hearers, payload)
  }

  #page(shards: ReadonlySet<string>, after: number): MailPage {
    const mails = this.store.readMail(
      after,
      PAGE,
      ({ shard, to }) => shards.has(shard) || shards.has(`${shard}.${to.type}`)
    )
    const upTo = mails.length === PAGE ? mails.at(-1)!.sequence : this.store.lastSequence
    return { mails, upTo: Math.max(after, upTo) }
  }

  #show({ entries, first, time }: Commit): void {
    for (const [index, entry] of entries.entries()) {
      if (entry.kind !== "event") continue
      const event = { subject: entry.subject, sequence: first + index, payload: entry.payload }
      this.events.add(event, time)
      for (const watcher of [...this.#watchers]) {
        if (matches(watcher.pattern, entry.subject) && !watcher.channel.send(event)) this.#watchers.delete(watcher)
      }
    }
  }
}

const sendAll = <A>(channels: Set<Channel<A>>, value: A): void => {
  for (const channel of [...channels]) if (!channel.send(value)) channels.delete(channel)
}
