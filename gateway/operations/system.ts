// How the system is, and what it has done: read from its events and asked of its actors, with nothing counted beside them.
import { Clock, Duration, Effect, Option, Schema } from "effect"
import {
  AgentStatus,
  AgentType,
  type ComponentHealth,
  CoordinatorProtocol,
  FeedbackProtocol,
  feedbackId,
  type Health,
  MODEL_TOOL,
  type SystemStatus,
  toTimestamp
} from "../../protocols/index.ts"
import type { EventLog } from "../../runtime/index.ts"
import { Actors, type LogUnavailable, type PublishedEvent } from "../../runtime/index.ts"
import type { NotReady } from "../serving.ts"
import { type Caller, mustSee, type NotSeen } from "./caller.ts"

export interface SystemOptions {
  readonly events: EventLog["Service"]
  /** Whether what is asked is stored and answered. */
  readonly ready: Effect.Effect<void, NotReady>
  readonly clients: () => number
  /** How the gateway is that clients reach; healthy unless given, since it answers. */
  readonly gateway?: ComponentHealth
  readonly uptimeSeconds: () => number
}

const healthy: ComponentHealth = { status: "healthy" }

/** So many symbols and tools are asked at most, this many at a time. */
const ASKED_MAX = 256
const AT_ONCE = 16
/** Who does not answer by then is not counted. */
const PATIENCE = "3 seconds"
const ACTIVE_MILLIS = Duration.toMillis("1 hour")
/** Asked by many at once, it is found out once. */
const HOLDS = "2 seconds"

/** The status of the system for who asks. */
export type ReadSystem = Effect.Success<ReturnType<typeof systemStatusOf>>

/** The status for who may see all events; found out anew every two seconds at most. */
export const systemStatusOf = (options: SystemOptions) =>
  Effect.map(
    Effect.cachedWithTTL(readStatus(options), HOLDS),
    (status) =>
      (caller: Caller): Effect.Effect<SystemStatus, NotSeen | LogUnavailable, Actors> =>
        Effect.andThen(mustSee(caller, ">"), status)
  )

const readStatus = ({ events, ready, clients, uptimeSeconds, gateway = healthy }: SystemOptions) =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const stored = yield* ready.pipe(
      Effect.as(healthy),
      Effect.catch(({ detail }) => Effect.succeed(unhealthy(detail)))
    )
    const agents = yield* agentsIn(events)
    const symbols = [...new Set(agents.map(({ symbol }) => symbol))]
    const coordinators = yield* askEach(symbols, (symbol) =>
      Actors.use(({ ask }) => ask(CoordinatorProtocol, symbol, "GetStatus", {}, { timeout: PATIENCE }))
    )
    const used = yield* trackersIn(events)
    const reports = yield* askEach(used, (id) =>
      Actors.use(({ ask }) => ask(FeedbackProtocol, id, "GetReport", {}, { timeout: PATIENCE }))
    )
    const models = reports.filter(({ tool }) => tool === MODEL_TOOL)
    const tools = reports.filter(({ tool }) => tool !== MODEL_TOOL)
    const active = agents.filter(({ timestamp }) => now - Date.parse(timestamp) <= ACTIVE_MILLIS)
    const failed = active.filter(({ status }) => status === "failed")
    const open = tools.filter(({ breaker }) => breaker.state === "open")
    const failing = models.filter(({ success_rate }) => (success_rate ?? 1) < FAILING_BELOW)
    const silent = Math.min(symbols.length, ASKED_MAX) - coordinators.length
    const component_health = {
      gateway,
      log: stored,
      coordinators: partOf(symbols.length, silent, `${silent} do not answer`),
      agents: partOf(
        active.length,
        failed.length,
        `${failed.map(({ agent_id }) => agent_id).join(", ")} failed lately`
      ),
      tools: partOf(tools.length, open.length, `${namesOf(open)} failed too often lately`),
      models: partOf(models.length, failing.length, `most requests of ${namesOf(failing)} fail`)
    }
    const sum = <A>(all: ReadonlyArray<A>, of: (each: A) => number) => all.reduce((left, each) => left + of(each), 0)
    return {
      status: worst(Object.values(component_health)),
      timestamp: toTimestamp(now),
      component_health,
      performance_summary: {
        active_agents: active.length,
        symbols: symbols.length,
        total_decisions: sum(coordinators, ({ decisions }) => decisions),
        analyses_under_way: coordinators.filter(({ analyzing }) => analyzing !== null).length,
        tool_executions: sum(tools, ({ total }) => total.executions),
        failed_tool_executions: sum(tools, ({ total }) => total.failed + total.timed_out),
        model_calls: sum(models, ({ total }) => total.executions),
        failed_model_calls: sum(models, ({ total }) => total.failed + total.timed_out),
        clients: clients(),
        uptime_seconds: uptimeSeconds(),
        partial: symbols.length > ASKED_MAX || used.length > ASKED_MAX
      }
    }
  })

/** A model of whose requests fewer succeed is of little use. */
const FAILING_BELOW = 0.5

const unhealthy = (detail: string): ComponentHealth => ({ status: "unhealthy", detail })

const namesOf = (all: ReadonlyArray<{ readonly agent_type: string; readonly tool: string }>): string =>
  all.map(({ agent_type, tool }) => `${agent_type}:${tool}`).join(", ")

const partOf = (count: number, bad: number, detail: string): ComponentHealth => {
  if (count === 0) return { status: "unknown" }
  if (bad === 0) return healthy
  return { status: bad >= count ? "unhealthy" : "degraded", detail }
}

/** Of what nothing is known nothing is said. A part that works not at all, but for the log, is a part of the whole. */
const worst = (parts: ReadonlyArray<ComponentHealth>): Health => {
  const [, log] = parts
  if (log?.status === "unhealthy") return "unhealthy"
  return parts.some(({ status }) => status === "degraded" || status === "unhealthy") ? "degraded" : "healthy"
}

/** Asks each of the first `ASKED_MAX`, and gives the answers of those who answer. */
const askEach = <A, E>(ids: ReadonlyArray<string>, ask: (id: string) => Effect.Effect<A, E, Actors>) =>
  Effect.map(
    Effect.forEach(ids.slice(0, ASKED_MAX), (id) => Effect.option(ask(id)), { concurrency: AT_ONCE }),
    (answers) => answers.flatMap((answer) => (Option.isSome(answer) ? [answer.value] : []))
  )

/** The newest event of each subject under a pattern. */
const newest = (events: EventLog["Service"], pattern: string) =>
  Effect.gen(function* () {
    const { last } = yield* events.kept(pattern)
    const reading = events.history(pattern, { from: "last" })
    const found: Array<PublishedEvent> = []
    for (let complete = false; !complete; ) {
      const page = yield* reading.next(last)
      found.push(...page.events)
      complete = page.complete
    }
    return found
  })

const decodeStatus = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ data: AgentStatus })))

const agentsIn = (events: EventLog["Service"]) =>
  Effect.map(newest(events, "status.*.*"), (found) =>
    found.flatMap(({ payload }) =>
      Option.match(decodeStatus(payload), { onNone: () => [], onSome: ({ data }) => [data] })
    )
  )

const isAgentType = Schema.is(AgentType)

/** The ids of the trackers of all that was used lately. */
const trackersIn = (events: EventLog["Service"]) =>
  Effect.gen(function* () {
    const used = yield* newest(events, "tool.*.*")
    const asked = yield* newest(events, "model.*.*")
    const ids = [...used.map(({ subject }) => idOf(subject)), ...asked.map(({ subject }) => idOf(subject, MODEL_TOOL))]
    return [...new Set(ids.flatMap((id) => id ?? []))]
  })

const idOf = (subject: string, named?: string): string | undefined => {
  const [, type = "", tool = ""] = subject.split(".")
  return isAgentType(type) ? feedbackId(type, named ?? tool) : undefined
}
