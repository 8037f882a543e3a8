"""The clients that people copy: each follows a real gateway that is killed again and again, and misses nothing."""
import json
import pathlib
import sys
import threading

import journal_reader
from harness import ROOT, Case, camera, config_of, facility, main, wait_for

sys.path.insert(0, str(ROOT / "clients/python"))
from kanhu_subscriber import Event, Gap, Subscriber  # noqa: E402


class Follower(threading.Thread):
    def __init__(self, *arguments, **more):
        super().__init__(daemon=True)
        self.subscriber, self.items, self.problem = Subscriber(*arguments, **more), [], None
        self.go_on = threading.Event()
        self.go_on.set()
        self.start()

    def run(self):
        try:
            for item in self.subscriber:
                self.go_on.wait()
                self.items.append(item)
        except Exception as problem:  # noqa: BLE001 - told by the test
            self.problem = problem

    def events(self):
        return [item for item in self.items if isinstance(item, Event)]

    def ids(self):
        return [(event.epoch, event.seq) for event in self.events()]

    def gaps(self):
        return [item for item in self.items if isinstance(item, Gap)]

    def end(self):
        self.go_on.set()
        self.subscriber.stop()
        self.join(30)


class PythonClient(Case):
    def test_every_event_comes_once_and_in_order_although_the_gateway_is_killed(self):
        sim = self.simulator("name=walk,period=6,visible=4,offset=1", "name=heat,scene=thermal,period=9,visible=5,offset=3")
        cameras = [camera("walk", sim.url("walk")), camera("heat", sim.url("heat"), detector={"name": "thermal-blob", "fps": 5})]
        config = config_of(self.folder, [facility("f1", cameras[:1]), facility("f2", cameras[1:])])
        live, query = f"ipc://{self.folder}/live", f"ipc://{self.folder}/query"
        config["publish"].update(live=live, query=query)
        whole, one = Follower(live, query, after="oldest"), Follower(live, query, facilities=["f1"], after="oldest")
        from_now = Follower(live, query)
        kills = 4
        for number in range(kills + 1):
            gateway = self.gateway(None, config=config, subscribe=False, name=f"gateway{number}")
            so_far = len(whole.items)
            if number == 2:  # one that does not read for a while
                whole.go_on.clear()
                wait_for(lambda: gateway.info()["journal"]["durable_seq"] >= 8, 40, "events")
                whole.go_on.set()
            wait_for(lambda: len(whole.items) > so_far + 5, 40, f"events of {gateway.name}; {whole.problem}")
            if number < kills:
                self.processes.remove(gateway)
                gateway.kill9()
        middle = whole.items[len(whole.items) // 2]
        late = Follower(live, query, after=(middle.epoch, middle.seq))
        followers = (whole, one, from_now, late)
        epoch = gateway.info()["journal"]["epoch"]
        wait_for(lambda: all(f.ids() and f.ids()[-1][0] == epoch for f in followers), 40, f"all are there; {[f.problem for f in followers]}")
        newest = whole.ids()[-1]
        wait_for(lambda: late.ids()[-1] >= newest or late.ids()[-1][1] >= newest[1], 20, "the late one is there")
        for follower in followers:
            follower.end()
        self.assertEqual(gateway.end(), 0)
        self.processes.remove(gateway)

        self.assertEqual([f.problem for f in followers], [None] * 4)
        records = [record for record in journal_reader.read_journal(pathlib.Path(config["gateway"]["data_dir"]) / "journal")
                   if record.kind == journal_reader.EVENT]
        order = [(record.epoch, record.seq) for record in records]
        bodies = {(record.epoch, record.seq): json.loads(record.body) for record in records}

        def follows(follower, of=lambda record: True, begins=0):
            """It has what the journal has, from its first to its last."""
            expected = [key for key, record in zip(order[begins:], records[begins:]) if of(record)]
            got = follower.ids()
            self.assertEqual(got, expected[:len(got)])
            self.assertEqual(follower.gaps(), [])
            for event in follower.events():
                self.assertEqual(event.payload, bodies[event.epoch, event.seq])

        follows(whole)
        follows(one, of=lambda record: record.stream == "f1")
        follows(late, begins=order.index((middle.epoch, middle.seq)) + 1)
        follows(from_now, begins=order.index(from_now.ids()[0]))
        self.assertEqual(len({epoch for epoch, _ in whole.ids()}), kills + 1)


if __name__ == "__main__":
    main()
