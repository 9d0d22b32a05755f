package poller

import "golang.org/x/sys/unix"

// kqueueReadNotes makes a regular file readable at its end too, as poll has it.
const kqueueReadNotes = unix.NOTE_FILE_POLL
