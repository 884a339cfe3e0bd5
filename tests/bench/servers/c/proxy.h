/* The command line and the output of all proxies. They are the same as those of examples/proxy:
 *
 *     proxy --listen ADDRESS:PORT --to ADDRESS:PORT
 *
 * A proxy prints its address, connects to the server for each client, and moves bytes both ways until it is
 * interrupted. The program that starts the proxy measures it. */

#ifndef PROXY_H
#define PROXY_H

#include "harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* The server's address. */
static struct sockaddr_in server;

static inline struct sockaddr_in parse_address(const char *text)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	char host[16], more;
	unsigned short port;
	if (sscanf(text, "%15[0-9.]:%hu%c", host, &port, &more) != 2 ||
	    inet_pton(AF_INET, host, &address.sin_addr) != 1)
		fail("an address must be ADDRESS:PORT");
	address.sin_port = htons(port);
	return address;
}

/* Makes the socket send output without delay, as in the other proxies. */
static inline void set_no_delay(int fd)
{
	int one = 1;
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0)
		fail("cannot set TCP_NODELAY");
}

/* Reads the command line, listens and prints the address. Returns the listener, which is non-blocking.
 * Accepted sockets inherit TCP_NODELAY. */
static inline int listen_as_proxy(int argc, char **argv)
{
	if (argc != 5 || strcmp(argv[1], "--listen") != 0 || strcmp(argv[3], "--to") != 0)
		fail("usage: --listen ADDRESS:PORT --to ADDRESS:PORT");
	struct sockaddr_in address = parse_address(argv[2]);
	socklen_t length = sizeof address;
	server = parse_address(argv[4]);
	/* The proxy must not outlive the process that started it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener < 0)
		fail("cannot open a socket");
	set_no_delay(listener);
	if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 128) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) < 0)
		fail("cannot listen");
	printf("listening on %s:%d\n", inet_ntoa(address.sin_addr), ntohs(address.sin_port));
	fflush(stdout);
	return listener;
}

#endif
