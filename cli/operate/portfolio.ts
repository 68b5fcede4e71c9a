// `conclave portfolio`: trading accounts, and their two switches.
import { Console, Effect, Layer, type Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { portfolioActor, portfolioView } from "../../actors/index.ts"
import {
  AccountId,
  PortfolioProtocol,
  type PortfolioView,
  type Switched,
  type UnknownAccount
} from "../../protocols/index.ts"
import { Actors, type AskError, type Operators } from "../../runtime/index.ts"
import { withParts } from "../../server/index.ts"
import { connectClient } from "../run/server.ts"
import { plain, table } from "../table.ts"
import { findSystem, maxFlag, operate, operatorFlags } from "./operate.ts"

/** No account has this name. */
export class NoSuchAccount extends Schema.TaggedError<NoSuchAccount>()("NoSuchAccount", { name: Schema.String }) {
  override get message() {
    return `there is no account ${this.name}`
  }
}

const accountArgument = Argument.String("account").pipe(
  Argument.withDescription("The account"),
  Argument.withSchema(AccountId)
)

/** Reads it from its journal: it need not run, and does not notice. */
const readAccount = (operators: Operators["Service"], account: string) =>
  operators
    .inspect({ type: PortfolioProtocol.type, id: account }, { definition: portfolioActor(), last: 1 })
    .pipe(Effect.map(({ state }) => portfolioView(account, state)))

const show = Command.make("show", { account: accountArgument, ...operatorFlags }, (given) =>
  operate(given, (operators) =>
    Effect.gen(function* () {
      const view = yield* readAccount(operators, given.account).pipe(
        Effect.catchTag("NoSuchActor", () => Effect.undefined)
      )
      if (view === undefined) return yield* new NoSuchAccount({ name: given.account })
      return { text: viewText(view), json: view }
    })
  )
).pipe(Command.withDescription("Show an account: cash, positions, orders, limits"))

const list = Command.make("list", { max: maxFlag, ...operatorFlags }, (given) =>
  operate(given, (operators) =>
    Effect.gen(function* () {
      const found = yield* operators.actors({ type: PortfolioProtocol.type }, undefined, given.max)
      const read = yield* Effect.forEach(found, ({ address }) => readAccount(operators, address.id))
      const views = read.filter((view) => view !== undefined)
      return { text: views.length === 0 ? "there is no account" : rowsOf(views), json: views }
    })
  )
).pipe(Command.withDescription("List trading accounts"))

interface PortfolioFlags {
  readonly account: string
  readonly nats: Option.Option<string>
  readonly data: Option.Option<string>
  readonly json: boolean
}

/** Turns a switch, and says how it stands then. */
const turn = (
  given: PortfolioFlags,
  ask: (actors: Actors["Service"]) => Effect.Effect<typeof Switched.Type, AskError | typeof UnknownAccount.Type>
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { config, server } = yield* findSystem(given)
      const asked = Effect.gen(function* () {
        const system = yield* Layer.build(connectClient(config, server, "portfolio"))
        return yield* Effect.flatMap(Actors, ask).pipe(Effect.provide(system))
      })
      const { entries_stopped, orders } = yield* withParts(server, asked).pipe(
        Effect.catchTag("UnknownAccount", () => Effect.fail(new NoSuchAccount({ name: given.account })))
      )
      const text = `${given.account}: entries are ${entries_stopped ? "stopped" : "open"}, ${orders} orders are under way`
      yield* Console.log(given.json ? JSON.stringify({ account: given.account, entries_stopped, orders }) : text)
    })
  )

const PATIENCE = { timeout: "15 seconds" } as const

const reasonFlag = Flag.String("reason").pipe(
  Flag.withDescription("Why, for those who read it later (default: by hand)"),
  Flag.withDefault("by hand")
)

const stopping = (name: "stop" | "flatten", message: "StopEntries" | "Flatten", says: string) =>
  Command.make(name, { account: accountArgument, reason: reasonFlag, ...operatorFlags }, (given) =>
    turn(given, ({ ask }) => ask(PortfolioProtocol, given.account, message, { reason: given.reason }, PATIENCE))
  ).pipe(Command.withDescription(says))

const stop = stopping("stop", "StopEntries", "No more orders that enter or enlarge a position")
const flatten = stopping("flatten", "Flatten", "Stop entries, cancel what works, close every position")

const resume = Command.make("resume", { account: accountArgument, ...operatorFlags }, (given) =>
  turn(given, ({ ask }) => ask(PortfolioProtocol, given.account, "ResumeEntries", {}, PATIENCE))
).pipe(Command.withDescription("Entries again; drawdown counts from here"))

export const portfolio = Command.make("portfolio").pipe(
  Command.withDescription("Trading accounts, and their two switches"),
  Command.withSubcommands([list, show, stop, resume, flatten]),
  Command.withExamples([
    { command: "npx conclave portfolio show main", description: "Cash, positions, orders" },
    { command: "npx conclave portfolio flatten main --reason holidays", description: "Close everything, enter nothing" }
  ])
)

const money = (micros: number): string =>
  (micros / 1e6).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })
const percent = (share: number): string => `${(100 * share).toFixed(1)}%`

const rowsOf = (views: ReadonlyArray<PortfolioView>): string =>
  table(
    ["ACCOUNT", "EQUITY", "CASH", "EXPOSURE", "DRAWDOWN", "POSITIONS", "ENTRIES"],
    views.map((view) => [
      view.account,
      money(view.equity),
      money(view.cash),
      percent(view.exposure),
      percent(view.drawdown),
      view.positions.length,
      view.entries.stopped ? plain(`stopped: ${view.entries.reason}`, 40) : "open"
    ])
  )

const viewText = (view: PortfolioView): string => {
  const lines = [
    ["equity", `${money(view.equity)} ${view.currency} of ${money(view.deposited)} paid in`],
    ["cash", money(view.cash)],
    ["realized", `${money(view.realized)}, fees ${money(view.fees)}`],
    ["exposure", `${percent(view.exposure)}, drawdown ${percent(view.drawdown)}`],
    ["entries", view.entries.stopped ? plain(`stopped: ${view.entries.reason}`, 200) : "open"],
    [
      "orders",
      `${view.counts.orders} placed, ${view.counts.fills} filled, ${view.counts.vetoes} vetoed, ${view.counts.rejected} rejected`
    ]
  ] as const
  const positions = view.positions.map((each) => [
    each.symbol,
    each.quantity,
    each.price === null ? "-" : String(each.price),
    money(each.value),
    money(each.unrealized)
  ])
  const vetoes = view.last_vetoes.slice(-5).map(({ symbol, reason, timestamp }) => `  ${timestamp} ${symbol} ${reason}`)
  return [
    view.account,
    ...lines.map(([label, text]) => `  ${label.padEnd(9)}${text}`),
    ...(positions.length === 0 ? [] : [table(["SYMBOL", "UNITS", "PRICE", "VALUE", "UNREALIZED"], positions)]),
    ...(vetoes.length === 0 ? [] : ["last vetoes", ...vetoes])
  ].join("\n")
}
