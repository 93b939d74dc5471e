export interface AgentStore {}
