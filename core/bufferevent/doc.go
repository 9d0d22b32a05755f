// Package bufferevent has buffered streams over sockets.
package bufferevent
