# Law 2 on what was compiled: the archives below io/ call no clock, socket, thread or source of entropy.
#   cmake -DNM=nm -DARCHIVES=a.a,b.a -P closed_archives.cmake
# crypto may draw randomness: it implements the injected generator of the runtime (SystemGenerator).
string(REPLACE "," ";" ARCHIVES "${ARCHIVES}")
set(forbidden
  clock_gettime gettimeofday time clock nanosleep usleep sleep
  socket bind connect sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg poll select epoll_wait
  pthread_create pthread_mutex_lock pthread_cond_wait
  getrandom getentropy rand srand random arc4random RAND_bytes RAND_priv_bytes
  _ZNSt6chrono3_V212steady_clock3nowEv _ZNSt6chrono3_V212system_clock3nowEv
  _ZNSt13random_device9_M_getvalEv _ZNSt6thread15_M_start_thread getenv fopen open)
set(failed FALSE)
foreach(archive ${ARCHIVES})
  if(NOT EXISTS "${archive}")
    message(FATAL_ERROR "${archive} is not built")
  endif()
  execute_process(COMMAND "${NM}" --undefined-only --format=posix "${archive}"
    OUTPUT_VARIABLE symbols ERROR_QUIET RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${NM} cannot read ${archive}")
  endif()
  foreach(symbol ${forbidden})
    if(symbols MATCHES "(^|\n)${symbol}(@[^ ]*)? U")
      if(archive MATCHES "linnet_crypto" AND symbol MATCHES "^RAND_")
        continue()
      endif()
      message(SEND_ERROR "${archive} calls ${symbol}")
      set(failed TRUE)
    endif()
  endforeach()
endforeach()
if(NOT failed)
  message("closed: ${ARCHIVES}")
endif()
