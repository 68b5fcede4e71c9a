// Which commands start a nats-server of their own.
const STARTING = ["up", "analyze", "run"]
const NOT_NOW = ["--help", "-h", "--version", "--completions", "--nats"]

/** Whether the command `conclave` will start a nats-server of its own, as far as its arguments say. */
export const startsServer = (args) =>
  args.some((arg) => STARTING.includes(arg)) &&
  !process.env.NATS_URL &&
  !args.some((arg) => NOT_NOW.includes(arg) || arg.startsWith("--nats="))
