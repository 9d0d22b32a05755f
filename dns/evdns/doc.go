// Package evdns looks names up and answers queries, on the loop.
package evdns
