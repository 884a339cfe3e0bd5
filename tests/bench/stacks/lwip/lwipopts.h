/* lwIP for hello-world: TCP over IPv4, sixteen connections, only lwIP's own heap. */
#pragma once

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_STATS 0
#define LWIP_NOASSERT 1
#define LWIP_RAW 0
#define LWIP_UDP 0
#define LWIP_DHCP 0
#define LWIP_IPV6 0
#define IP_REASSEMBLY 0
#define IP_FRAG 0
#define TCP_LISTEN_BACKLOG 1

#define MEM_ALIGNMENT 4
#define MEM_SIZE 4096
#define MEMP_NUM_TCP_PCB 16
#define MEMP_NUM_TCP_PCB_LISTEN 1
#define MEMP_NUM_TCP_SEG 16
#define PBUF_POOL_SIZE 8
#define PBUF_POOL_BUFSIZE 256
#define TCP_MSS 128
#define TCP_WND 512
#define TCP_SND_BUF 256
#define TCP_QUEUE_OOSEQ 0
