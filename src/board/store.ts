export interface BoardStore {}
