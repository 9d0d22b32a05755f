// Package evhttp is HTTP/1.1 on the loop: server and client.
package evhttp
