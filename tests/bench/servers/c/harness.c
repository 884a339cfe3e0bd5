/* Counts and reports for the servers in C. See harness.h. */

#define _GNU_SOURCE
#include "harness.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* The same value as in the servers in Rust. With a shorter backlog, connects of the idle workload would be
 * dropped. */
#define BACKLOG 4096

enum workload workload;
const char greeting[14] = "Hello, World!\n";

static int listener;
static unsigned long wanted_connections, warm_bytes, wanted_bytes;
static unsigned long accepted_connections, closed_connections, echoed_bytes;
static struct rusage before, after;
static long rss_before, heap_before;

void fail(const char *why)
{
	fprintf(stderr, "error: %s\n", why);
	exit(1);
}

static unsigned long number(const char *text)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);
	if (*text == '\0' || *end != '\0')
		fail("a count must be a number");
	return number;
}

int begin_harness(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "hello") == 0) {
		workload = HELLO;
		wanted_connections = number(argv[2]);
	} else if (argc == 4 && strcmp(argv[1], "echo") == 0) {
		workload = ECHO;
		warm_bytes = number(argv[2]);
		wanted_bytes = number(argv[3]);
	} else if (argc == 4 && strcmp(argv[1], "idle") == 0) {
		workload = IDLE;
		wanted_connections = number(argv[2]);
		wanted_bytes = number(argv[3]);
	} else {
		fail("usage: hello CONNECTIONS | echo WARM BYTES | idle CONNECTIONS BYTES");
	}
	/* The server must not outlive the process that started it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* Accepted sockets inherit the option, so the server needs no system call for each connection. */
	if (listener < 0 || setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0 ||
	    bind(listener, (struct sockaddr *)&any, sizeof any) < 0 || listen(listener, BACKLOG) < 0)
		fail("cannot listen on 127.0.0.1");
	return listener;
}

/* Returns the resident memory in bytes. The system counts this memory in pages. */
static long rss(void)
{
	char text[128] = "";
	int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	long pages = 0;
	if (file < 0 || read(file, text, sizeof text - 1) <= 0 ||
	    sscanf(text, "%*d %ld", &pages) != 1)
		fail("cannot read /proc/self/statm");
	close(file);
	return pages * sysconf(_SC_PAGESIZE);
}

static long heap(void)
{
	struct mallinfo2 info = mallinfo2();
	return (long)(info.uordblks + info.hblkhd);
}

void listening(void)
{
	struct sockaddr_in address;
	socklen_t length = sizeof address;
	getsockname(listener, (struct sockaddr *)&address, &length);
	dprintf(1, "listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
	heap_before = heap();
	rss_before = rss();
	getrusage(RUSAGE_SELF, &before);
}

static void print_memory(const char *when)
{
	long heap_now = heap();
	/* Nothing is reserved for connections in advance. */
	dprintf(1, "memory when=%s rss=%ld heap=%ld reserved=0\n", when, rss() - rss_before,
		heap_now - heap_before);
}

void accepted(void)
{
	if (++accepted_connections == wanted_connections && workload == IDLE)
		print_memory("cold");
}

void echoed(size_t bytes)
{
	unsigned long previous = echoed_bytes;
	echoed_bytes += bytes;
	if (previous < warm_bytes && echoed_bytes >= warm_bytes)
		getrusage(RUSAGE_SELF, &before);
	if (previous < wanted_bytes && echoed_bytes >= wanted_bytes) {
		getrusage(RUSAGE_SELF, &after);
		if (workload == IDLE)
			print_memory("warm");
	}
}

static long micros(const struct timeval *later, const struct timeval *earlier)
{
	return (later->tv_sec - earlier->tv_sec) * 1000000L + (later->tv_usec - earlier->tv_usec);
}

static void report(void)
{
	dprintf(1, "usage user=%ld system=%ld connections=%lu bytes=%lu\n",
		micros(&after.ru_utime, &before.ru_utime), micros(&after.ru_stime, &before.ru_stime),
		closed_connections, echoed_bytes);
	exit(0);
}

void closed(void)
{
	closed_connections++;
	if (workload == HELLO) {
		if (closed_connections < wanted_connections)
			return;
		getrusage(RUSAGE_SELF, &after);
		report();
	}
	if (echoed_bytes < wanted_bytes)
		fail("a connection has ended before its bytes were sent back");
	if (closed_connections == accepted_connections)
		report();
}
