/* The server of the network suites over TLS, done with C libevent and OpenSSL:
 * a program of its own, so that the other workloads need no OpenSSL. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <openssl/ssl.h>

#include "echo.h"
#include "peer.h"

/* The variable of the environment that names a file with a certificate and its
 * key. */
#define CERTIFICATE "EVBENCH_CERTIFICATE"

struct tls_server {
	struct event_base *base;
	SSL_CTX *ctx;
};

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr, int len, void *arg)
{
	struct tls_server *s = arg;
	SSL *ssl = SSL_new(s->ctx);
	struct bufferevent *bev = NULL;

	(void)listener;
	(void)addr;
	(void)len;
	if (ssl != NULL)
		bev = bufferevent_openssl_socket_new(s->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (bev == NULL) {
		SSL_free(ssl);
		close(fd);
		return;
	}
	set_nodelay(fd);
	start_echo(bev);
}

/* The defaults of OpenSSL, but with as many session tickets as crypto/tls sends,
 * and without buffers of idle connections. */
static SSL_CTX *
new_context(void)
{
	static const unsigned char sessions[] = "evbench";
	const char *path = getenv(CERTIFICATE);
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL)
		fail("SSL_CTX_new");
	if (path == NULL || SSL_CTX_use_certificate_chain_file(ctx, path) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) != 1)
		fail(CERTIFICATE " names no certificate");
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_session_id_context(ctx, sessions, sizeof(sessions) - 1);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	return ctx;
}

static void
serve(void)
{
	struct tls_server s = {.base = must_base(), .ctx = new_context()};

	listen_until_end(s.base, on_accept, &s);
}

/* Prints the versions of libevent and OpenSSL. */
static void
print_version(void)
{
	char name[32], number[32];

	if (sscanf(OpenSSL_version(OPENSSL_VERSION), "%31s %31s", name, number) != 2)
		fail("OpenSSL_version");
	printf("%s, %s %s\n", event_get_version(), name, number);
}

int
main(int argc, char **argv)
{
	raise_descriptor_limit();
	if (argc == 2 && !strcmp(argv[1], "version"))
		print_version();
	else if (argc == 2 && !strcmp(argv[1], "serve"))
		serve();
	else
		fail("unknown workload");
	return 0;
}
