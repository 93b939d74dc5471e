export interface TaskStore {}
