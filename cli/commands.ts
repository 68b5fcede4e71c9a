// The commands by name. A command is loaded once its name is among the words: what it needs may take longer to load than to use.
import { Effect } from "effect"
import { Command } from "effect/cli"

const entry = <C extends Command.Command.Any>(name: string, description: string, load: () => Promise<C>) => ({
  name,
  description,
  load
})

const COMMANDS = [
  entry(
    "up",
    "Run a whole system: NATS, the actors, the gateway, and a market to decide on",
    async () => (await import("./run/up.ts")).up
  ),
  entry(
    "analyze",
    "Make one analysis of a symbol on the prices of a file, and print the joint decision",
    async () => (await import("./evaluate/analyze.ts")).analyze
  ),
  entry(
    "init",
    "Begin a project of your own: an actor, a test of it on simulated clusters, an agent that votes",
    async () => (await import("./init.ts")).init
  ),
  entry(
    "run",
    "Run a program of your own with a nats-server on the data folder",
    async () => (await import("./run/program.ts")).run
  ),
  entry(
    "node",
    "Serve actors from this process; several nodes on one NATS share the work",
    async () => (await import("./run/node.ts")).node
  ),
  entry(
    "gateway",
    "Serve WebSocket and HTTP clients from this process",
    async () => (await import("./run/gateway.ts")).gateway
  ),
  entry(
    "feed",
    "Give a running system a market to decide on: the bars of a file, or simulated ones",
    async () => (await import("./run/feed.ts")).feedCommand
  ),
  entry(
    "token",
    "Make a token with which a client comes in at a gateway that has the same secret",
    async () => (await import("./operate/token.ts")).token
  ),
  entry(
    "clients",
    "Who is connected to a gateway, and subscribed to what",
    async () => (await import("./operate/clients.ts")).clients
  ),
  entry(
    "actors",
    "Look at actors, pause them and let them go on",
    async () => (await import("./operate/actors.ts")).actors
  ),
  entry(
    "dead",
    "Messages that could not be processed: list, show, retry, drop",
    async () => (await import("./operate/dead.ts")).dead
  ),
  entry(
    "nodes",
    "The nodes that are alive, and what each holds and does",
    async () => (await import("./operate/nodes.ts")).nodes
  ),
  entry(
    "experiments",
    "Two configurations of a panel, compared on the requests that each has answered",
    async () => (await import("./operate/experiments.ts")).experiments
  ),
  entry(
    "feedback",
    "How the agents' tools and models have done: success, time, trend, errors, what to do about it",
    async () => (await import("./operate/feedback.ts")).feedback
  ),
  entry(
    "status",
    "How a running system is, and what it has done: agents, decisions, uses of tools",
    async () => (await import("./operate/status.ts")).status
  ),
  entry(
    "doctor",
    "What of settings, machine, server and system is not as it should be, and the remedy",
    async () => (await import("./operate/doctor.ts")).doctor
  ),
  entry(
    "models",
    "Language models: what the configured ones, or another, can do",
    async () => (await import("./evaluate/models.ts")).models
  ),
  entry(
    "portfolio",
    "Trading accounts, and their two switches",
    async () => (await import("./operate/portfolio.ts")).portfolio
  ),
  entry(
    "market",
    "Simulated markets, how they compare with real ones, and what a file of prices is taken for",
    async () => (await import("./market/facts.ts")).market
  ),
  entry(
    "test-agents",
    "Test the agents in every kind of simulated market, and on one where nothing can be foreseen",
    async () => (await import("./evaluate/test-agents.ts")).testAgents
  ),
  entry(
    "backtest",
    "Walk through past prices with the agents, and say what following them would have come to",
    async () => (await import("./evaluate/backtest-command.ts")).backtest
  ),
  entry(
    "tools",
    "The tools of the agents: meaning, source, units and warm-up of each",
    async () => (await import("./evaluate/tools.ts")).tools
  ),
  entry(
    "verify",
    "Recompute a consensus round from its journal: equal, or what differs",
    async () => (await import("./operate/verify.ts")).verify
  ),
  entry(
    "replay",
    "Rebuild an actor from its journal step by step, and decide each message again",
    async () => (await import("./operate/replay.ts")).replayActor
  ),
  entry(
    "export",
    "Write an actor's journal into a file, by which it can be replayed without the server",
    async () => (await import("./operate/export.ts")).exportJournal
  )
]

/** Words that need every command whole. */
const WHOLE = ["--completions", "--wizard"]

const listed = (name: string, description: string) => Command.make(name).pipe(Command.withDescription(description))

/** The command `conclave`, with those of its commands loaded that the words name. Its help lists them all. */
export const conclaveFor = (words: ReadonlyArray<string>) =>
  Effect.promise(async () => {
    const whole = words.some((word) => WHOLE.some((each) => word.startsWith(each)))
    const commands = await Promise.all(
      COMMANDS.map(async ({ name, description, load }) =>
        whole || words.includes(name) ? await load() : listed(name, description)
      )
    )
    return Command.make("conclave").pipe(
      Command.withDescription("Durable actors on NATS JetStream, and trading agents on them that decide together"),
      Command.withSubcommands(commands)
    )
  })

/** The names of all commands. */
export const commandNames = COMMANDS.map(({ name }) => name)
