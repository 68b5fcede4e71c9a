import { Backoff } from "./backoff.ts"
import { goodFor, protocolsWith, RENEW_AFTER_MILLIS, type Way, within } from "./credential.ts"
import {
  type AnyEvent,
  type EventUnder,
  GatewayError,
  gapOf,
  type Incoming,
  isEvent,
  NoAnswer,
  newId,
  type State,
  unlessRefused
} from "./events.ts"
import { Link } from "./link.ts"
import { type SubscribeOptions, SubscriptionFeed } from "./subscription.ts"

export interface ClientOptions {
  /** Of the gateway's WebSocket: `ws://127.0.0.1:8080/ws`. */
  readonly url: string
  /**
   * A token or key, or how to get one: it is asked again when most of the last one's time is over, as the gateway counts it, and
   * after every drop. It goes with the handshake where it is short enough for a header, so that strangers take no place of this client;
   * else, and where a gateway or proxy takes none there, in the first frame.
   */
  readonly token?: string | (() => string | Promise<string>)
  /** How long an answer may take, in milliseconds; 30,000 unless given. */
  readonly timeoutMillis?: number
  /** The shortest and longest pause before a connection is tried again, in milliseconds; 250 and 15,000 unless given. */
  readonly backoffMillis?: readonly [least: number, most: number]
  readonly onState?: (state: State, reason: string) => void
}

/** A subscription: iterate over it, or give `subscribe` a listener. */
export interface Subscription<E> extends AsyncIterable<E> {
  /** The sequence up to which everything was given; not known before the gateway answered. */
  readonly position: () => number | undefined
  /** Ends it, and every iteration over it. */
  readonly close: () => void
}

interface PendingOperation {
  readonly operation: { readonly op: string; readonly id: string } & Record<string, unknown>
  readonly onProgress: ((progress: Record<string, unknown>) => void) | undefined
  readonly settle: (answer: Record<string, unknown> | Error) => void
  readonly timer: ReturnType<typeof setTimeout>
}

/** A refusal that stays, however often it is asked. Anything else is asked again after a moment. */
const FINAL = new Set(["forbidden", "invalid_pattern", "invalid_operation", "too_many_subscriptions"])
const TIMER_MILLIS_MAX = 2 ** 31 - 1
/** A gateway that looks at the token of a handshake says at once what came of it. One that does not is told again. */
const HANDSHAKE_ANSWER_MILLIS = 1_000
/** What it is called that the gateway answers of its own: it belongs to no operation of ours. */
const UNASKED = "null"
/** Why a token is not taken, the next time neither. */
const NO_TOKEN = new Set(["unauthorized", "invalid_operation"])

/**
 * A connection to the gateway that comes back, with its subscriptions, which go on where they were.
 *
 * Every event of a subscription is given once and in order, or a gap is told.
 */
export class GatewayClient {
  readonly #options: ClientOptions
  readonly #link: Link
  readonly #backoffMillis: readonly [least: number, most: number]
  readonly #feeds = new Map<string, SubscriptionFeed>()
  readonly #asked = new Map<string, PendingOperation>()
  #ids = 0
  #in = false
  /** Counts connections: what was begun over one is not gone on with over the next. */
  #connection = 0
  /** How the next connection says who we are. The other way is tried where one did not lead in. */
  #way: Way = "handshake"
  /** It went with the handshake of this connection. */
  #brought = false
  /** The token that was asked for before this connection, and that no frame has brought yet. */
  #given: string | undefined
  readonly #renewals = new Backoff([RENEW_AFTER_MILLIS, 60_000])
  #renewal: ReturnType<typeof setTimeout> | undefined

  constructor(options: ClientOptions) {
    this.#options = options
    this.#backoffMillis = options.backoffMillis ?? [250, 15_000]
    this.#link = new Link({
      url: options.url,
      protocols: () => this.#protocols(),
      backoffMillis: this.#backoffMillis,
      onState: (state, reason) => options.onState?.(state, reason),
      onFrame: (frame) => this.#take(frame),
      onDown: () => this.#down()
    })
    this.#link.open()
  }

  /** Subscribes to a pattern of subjects, such as `decision.AAPL.*`. */
  subscribe<const P extends string>(
    pattern: P,
    options: SubscribeOptions = {},
    listener?: (event: EventUnder<P>) => void
  ): Subscription<EventUnder<P>> {
    const wire = {
      open: (feed: SubscriptionFeed) => this.#open(feed),
      close: (feed: SubscriptionFeed) => this.#unsubscribe(feed),
      served: () => this.#link.succeeded()
    }
    // The gateway gives what the pattern asks for: its first token decides the type.
    const take = listener as ((event: AnyEvent) => void) | undefined
    const feed = new SubscriptionFeed(`s${++this.#ids}`, pattern, options, wire, new Backoff(this.#backoffMillis), take)
    this.#feeds.set(feed.id, feed)
    this.#open(feed)
    const close = () => {
      if (!this.#feeds.delete(feed.id)) return
      feed.end()
      this.#unsubscribe(feed)
    }
    const iterate = async function* () {
      try {
        yield* feed.events() as AsyncGenerator<EventUnder<P>>
      } finally {
        close()
      }
    }
    return { position: () => feed.position, close, [Symbol.asyncIterator]: iterate }
  }

  /**
   * Sends an operation, `{ op: "ping" }`, and gives the data of its result. Rejects with `GatewayError`, or `NoAnswer`.
   *
   * It is sent again after a drop, and done once: its `id` is a UUID, a new one unless given. `onProgress` hears of an `analyze`
   * how far it has come.
   */
  request(
    given: { readonly op: string; readonly id?: string } & Record<string, unknown>,
    onProgress?: (progress: Record<string, unknown>) => void
  ) {
    const operation = { ...given, id: given.id ?? newId() }
    const answer = this.#answerTo(operation, this.#options.timeoutMillis ?? 30_000, onProgress)
    if (this.#in || operation.op === "auth") this.#link.send(operation)
    return answer
  }

  /** What is answered to an operation. */
  #answerTo(operation: PendingOperation["operation"], millis: number, onProgress?: PendingOperation["onProgress"]) {
    const { id } = operation
    return new Promise<Record<string, unknown>>((resolve, reject) => {
      const settle = (answer: Record<string, unknown> | Error) => {
        clearTimeout(timer)
        this.#asked.delete(id)
        if (answer instanceof Error) reject(answer)
        else resolve(answer)
      }
      const timer = setTimeout(() => settle(new NoAnswer("no answer in time")), millis)
      this.#asked.set(id, { operation, onProgress, settle, timer })
    })
  }

  /** Ends everything. */
  close(): void {
    for (const feed of this.#feeds.values()) feed.end()
    this.#feeds.clear()
    this.#link.close()
    for (const { settle } of [...this.#asked.values()]) settle(new NoAnswer("the client was closed"))
  }

  #open(feed: SubscriptionFeed): void {
    if (this.#in && !feed.paused) this.#link.send(feed.operation())
  }

  #unsubscribe(feed: SubscriptionFeed): void {
    if (this.#in) this.#link.send({ op: "unsubscribe", id: feed.id })
  }

  #take(frame: Incoming): void {
    const { type, data } = frame
    if (isEvent(frame)) return this.#feeds.get(frame.sub ?? "")?.take(frame)
    if (type === "welcome") return void this.#enter(data.auth === "required")
    if (type === "going_away") return this.#link.comeBackAfter(Number(data.retry_after_ms))
    const id = String(data.id)
    const feed = this.#feeds.get(id)
    if (type === "subscribed") feed?.subscribed(data.seq === null ? null : Number(data.seq))
    else if (type === "caught_up") feed?.caughtUp(Number(data.seq))
    else if (type === "gap") feed?.gap(gapOf(data))
    else if (type === "progress") this.#asked.get(id)?.onProgress?.(data)
    else if (type === "result") this.#settle(id, data)
    else if (type === "error") this.#refused(id, feed, new GatewayError(String(data.code), String(data.message)))
  }

  #settle(id: string, data: Record<string, unknown>): void {
    const asked = this.#asked.get(id)
    if (asked === undefined) return
    if (asked.operation.op !== "auth") this.#link.succeeded()
    asked.settle(data)
  }

  #refused(id: string, feed: SubscriptionFeed | undefined, error: GatewayError): void {
    this.#asked.get(id)?.settle(error)
    if (feed === undefined || error.code === "unknown_subscription") return
    // It is open there, and not as we asked.
    if (error.code === "duplicate_subscription") this.#unsubscribe(feed)
    if (!FINAL.has(error.code)) return feed.retry(error)
    this.#feeds.delete(id)
    feed.fail(error)
  }

  /** The gateway has said hello: says who we are, and asks for everything again. */
  async #enter(authenticate: boolean): Promise<void> {
    const connection = this.#connection
    if (authenticate) {
      const refusal = await this.#authenticate(this.#brought)
      if (connection !== this.#connection) return
      if (refusal !== undefined) return this.#giveUp(refusal)
    }
    this.#in = true
    this.#link.welcomed()
    for (const feed of this.#feeds.values()) this.#open(feed)
    for (const { operation } of this.#asked.values()) this.#link.send(operation)
  }

  /** A token that stays the same is refused the next time too. */
  #giveUp(refusal: Error): void {
    const final = refusal instanceof GatewayError && NO_TOKEN.has(refusal.code)
    if (final && typeof this.#options.token !== "function") this.#link.close(refusal.message)
    else this.#link.reconnect(refusal.message)
  }

  /** What carries our token in a handshake, where it is to go with it. Without one the first frame has to bring it. */
  #protocols(): ReadonlyArray<string> | Promise<ReadonlyArray<string>> {
    const { token = "", timeoutMillis = 30_000 } = this.#options
    const bring = (given: string | undefined) => {
      const protocols = given === undefined ? [] : protocolsWith(given)
      this.#given = given
      this.#brought = protocols.length > 0
      return protocols
    }
    if (this.#way === "frame") return bring(undefined)
    if (typeof token === "string") return bring(token)
    // Where it cannot be had the gateway may want none, and else it is asked for once more.
    const asked = this.#token().catch(() => undefined)
    return within(timeoutMillis, asked, undefined).then(bring)
  }

  async #token(): Promise<string> {
    const { token = "" } = this.#options
    return typeof token === "function" ? await token() : token
  }

  /** Says who we are, or hears what came of the token that was `brought` with the handshake; what it gives back is why that failed. */
  async #authenticate(brought = false): Promise<Error | undefined> {
    const connection = this.#connection
    try {
      const told = brought
        ? await this.#answerTo({ op: "auth", id: UNASKED }, HANDSHAKE_ANSWER_MILLIS).catch(unlessRefused)
        : undefined
      if (connection !== this.#connection) return new NoAnswer("the connection was lost")
      const answer = told ?? (await this.#say(connection))
      this.#given = undefined
      this.#renewals.reset()
      if (typeof this.#options.token === "function") this.#renewAfter(goodFor(answer))
      return undefined
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  /** Says in a frame who we are. */
  async #say(connection: number): Promise<Record<string, unknown>> {
    const token = this.#given ?? (await this.#token())
    this.#given = undefined
    if (connection !== this.#connection) throw new NoAnswer("the connection was lost")
    return await this.request({ op: "auth", token })
  }

  /** Where it fails, the connection is as good as it was: it is tried again, until the gateway ends it. */
  async #renew(): Promise<void> {
    const connection = this.#connection
    const refusal = await this.#authenticate()
    if (refusal !== undefined && connection === this.#connection)
      this.#renewAfter(RENEW_AFTER_MILLIS + this.#renewals.next())
  }

  #renewAfter(millis: number | undefined): void {
    clearTimeout(this.#renewal)
    if (millis === undefined) return
    this.#renewal = setTimeout(() => void this.#renew(), Math.min(millis, TIMER_MILLIS_MAX))
  }

  #down(): void {
    if (!this.#in) this.#way = this.#brought ? "frame" : "handshake"
    this.#in = false
    this.#connection++
    clearTimeout(this.#renewal)
    for (const feed of this.#feeds.values()) feed.hold()
    // A new connection needs a new proof; everything else is asked again over it.
    for (const { operation, settle } of [...this.#asked.values()]) {
      if (operation.op === "auth") settle(new NoAnswer("the connection was lost"))
    }
  }
}
