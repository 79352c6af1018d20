// A gSOAP server: replicas post their commands here. A command is obeyed when f + 1 replicas have sent the same.
#pragma once
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include "wss.hpp"

class Participant {
 public:
  Participant(const Options &options, const Keys &keys);
  ~Participant();

  // Waits until enough replicas have sent the command.
  void told(const std::string &command);

  const std::string url;

 private:
  void serve();
  void take();
  void note(const Message &message);

  const Options &options;
  Connection connection;
  struct soap *const soap;
  std::atomic<bool> closing{false};
  std::thread thread;
  std::mutex mutex;
  std::condition_variable changed;
  // Command and MessageID: the replicas that sent it. A real participant keeps this on disk before it answers.
  std::map<std::string, std::set<int>> votes;
  std::set<std::string> obeyed;
};
