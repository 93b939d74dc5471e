export interface EventStore {}
