export interface ApprovalStore {}
