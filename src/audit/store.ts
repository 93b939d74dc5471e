export interface AuditStore {}
