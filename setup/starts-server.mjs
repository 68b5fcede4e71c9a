// Which commands start a nats-server of their own.
const WITHOUT_SERVER = ["--help", "-h", "--version", "--completions", "--nats", "gateway", "node"]

/** Whether the command `conclave` will start a nats-server of its own, as far as its arguments say. */
export const startsServer = (args) =>
  args.length > 0 &&
  !process.env.NATS_URL &&
  !args.some((arg) => WITHOUT_SERVER.includes(arg) || arg.startsWith("--nats="))
