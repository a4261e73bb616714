"""Sessions: bound arrays, callbacks, deadlines, cancellation, profiles. Values by hand."""
import gc
import threading

import nets
import numpy as np
import pytest

import aneref

A = np.array([[1, 2, 3], [4, 5, 6]], np.float16)


def test_surfaces_have_rows_of_64_bytes():
    surface = aneref.empty_surface((2, 3, 5), np.float16)
    assert surface.shape == (2, 3, 5)
    assert surface.strides == (192, 64, 2)
    assert surface.ctypes.data % 64 == 0
    assert not surface.any()


def test_bound_surfaces_are_used_in_place():
    session = aneref.load(nets.addition()).session()
    a, b, total = (aneref.empty_surface((2, 3)) for _ in range(3))
    assert session.bind("a", a) and session.bind("b", b) and session.bind("total", total)
    a[:], b[:] = A, 1
    session.run()
    assert total.tolist() == [[2, 3, 4], [5, 6, 7]]
    b[:] = 2
    session.run()
    assert total.tolist() == [[3, 4, 5], [6, 7, 8]]


def test_parts_of_a_surface_keep_their_neighbours():
    session = aneref.load(nets.addition()).session()
    session.set_input("a", A)
    session.set_input("b", A)
    whole = aneref.empty_surface((2, 5))
    whole[:] = -1
    session.bind("total", whole[:, :3])
    session.run()
    assert whole.tolist() == [[2, 4, 6, -1, -1], [8, 10, 12, -1, -1]]


def test_bound_dense_arrays_cost_a_copy_and_are_right():
    session = aneref.load(nets.addition()).session()
    a, b, total = A.astype(np.float32), np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)
    assert not session.bind("a", a)
    session.bind("b", b)
    session.bind("total", total)
    session.run()
    assert total.tolist() == [[2, 3, 4], [5, 6, 7]]


def test_strided_outputs_touch_nothing_else():
    session = aneref.load(nets.addition()).session()
    session.set_input("a", A)
    session.set_input("b", A)
    memory = np.full((2, 8), -1, np.float32)
    session.bind("total", memory[:, 1:7:2])
    session.run()
    assert memory.tolist() == [[-1, 2, -1, 4, -1, 6, -1, -1], [-1, 8, -1, 10, -1, 12, -1, -1]]


def test_bound_arrays_are_kept_alive():
    session = aneref.load(nets.addition()).session()
    session.bind("a", np.ones((2, 3), np.float16))
    session.bind("b", np.ones((2, 3), np.float16))
    gc.collect()
    filler = [np.full((2, 3), 99, np.float16) for _ in range(1000)]
    session.run()
    assert session.get_output("total").tolist() == [[2, 2, 2], [2, 2, 2]]
    assert len(filler) == 1000


def test_unbinding_returns_to_copies():
    session = aneref.load(nets.addition()).session()
    session.bind("a", A)
    session.bind("a", None)
    session.set_input("a", A)
    session.set_input("b", A)
    session.run()
    assert session.get_output("total", np.int32).tolist() == [[2, 4, 6], [8, 10, 12]]


@pytest.mark.parametrize("array", [np.ones((3, 2), np.float16), np.ones((2, 3), np.float16)[:, ::-1], np.ones((2, 3), ">f4"), [[1]]])
def test_arrays_that_cannot_be_bound_are_refused(array):
    with pytest.raises(aneref.InvalidArgument):
        aneref.load(nets.addition()).session().bind("a", array)


def test_read_only_outputs_are_refused():
    total = np.ones((2, 3), np.float16)
    total.flags.writeable = False
    with pytest.raises(aneref.InvalidArgument, match="read-only"):
        aneref.load(nets.addition()).session().bind("total", total)


def test_views_of_outputs_show_the_memory_and_are_read_only():
    session = aneref.load(nets.addition()).session()
    session.predict({"a": A, "b": A})
    view = session.view_output("total")
    assert view.tolist() == [[2, 4, 6], [8, 10, 12]]
    with pytest.raises(ValueError):
        view[0, 0] = 1


def test_outputs_before_a_run_are_an_error():
    with pytest.raises(aneref.AnerefError) as caught:
        aneref.load(nets.addition()).session().get_output("total")
    assert caught.value.status == "invalid_state"


def test_unknown_names_are_refused_and_the_known_ones_named():
    session = aneref.load(nets.addition()).session()
    with pytest.raises(aneref.InvalidArgument, match="'total'"):
        session.get_output("sum")


# ---- callbacks ----

def test_observers_see_every_op_in_order():
    seen = []
    model = aneref.load(nets.chain(3, 2))
    model.predict({"t0": [1, 2]}, observe=lambda op: seen.append((op.name, {n: v.tolist() for n, v in op.outputs.items()})))
    assert seen == [("neg0", {"t1": [-1, -2]}), ("neg1", {"t2": [1, 2]}), ("neg2", {"t3": [-1, -2]})]


def test_intermediates_are_copies_of_every_value():
    values = aneref.load(nets.chain(3, 2)).intermediates({"t0": [1, 2]})
    assert {name: value.tolist() for name, value in values.items()} == {"t1": [-1, -2], "t2": [1, 2], "t3": [-1, -2]}


def test_progress_counts_ops():
    calls = []
    aneref.load(nets.chain(4, 2)).predict({"t0": [1, 2]}, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_progress_that_is_true_cancels_and_the_model_runs_again():
    model = aneref.load(nets.chain(4, 2))
    with pytest.raises(aneref.Cancelled):
        model.predict({"t0": [1, 2]}, progress=lambda done, total: done == 2)
    assert model.predict({"t0": [1, 2]})["t4"].tolist() == [1, 2]


@pytest.mark.parametrize("callback", ["progress", "observe"])
def test_exceptions_of_callbacks_come_out(callback):
    def fail(*unused):
        raise KeyError("mine")

    model = aneref.load(nets.chain(4, 2))
    with pytest.raises(KeyError, match="mine"):
        model.predict({"t0": [1, 2]}, **{callback: fail})
    assert model.predict({"t0": [1, 2]})["t4"].tolist() == [1, 2]


def test_deadlines_end_a_run():
    model = aneref.load(nets.chain(200, 100000))
    with pytest.raises(TimeoutError):
        model.predict({"t0": np.ones(100000, np.float16)}, timeout=1e-9)


def test_cancel_from_another_thread():
    session = aneref.load(nets.chain(4, 2)).session()
    session.set_input("t0", [1, 2])
    inside, cancelled = threading.Event(), threading.Event()

    def hold(done, total):
        inside.set()
        cancelled.wait(30)

    failures = []

    def work():
        try:
            session.run(progress=hold)
        except aneref.Cancelled as error:
            failures.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    assert inside.wait(30)
    session.cancel()
    cancelled.set()
    worker.join()
    assert len(failures) == 1


def test_the_interpreter_runs_during_a_call():
    """A callback waits for another Python thread, which could not move if the run held the lock."""
    moved = threading.Event()
    session = aneref.load(nets.chain(2, 2)).session()
    session.set_input("t0", [1, 2])
    worker = threading.Thread(target=moved.set)

    def wait(done, total):
        if done == 1:
            worker.start()
            assert moved.wait(30)

    session.run(progress=wait)
    worker.join()
    assert session.get_output("t2").tolist() == [1, 2]


# ---- records and lifetime ----

def test_profiles_name_ops():
    rows = aneref.load(nets.addition()).session().profile({"a": A, "b": A})
    assert [(row.name, row.op) for row in rows] == [("sum", "add")]
    assert rows[0].seconds >= 0


def test_info_counts_runs():
    session = aneref.load(nets.addition(), threads=1).session()
    for _ in range(3):
        session.predict({"a": A, "b": A})
    assert session.info["num_runs"] == 3
    assert session.info["threads"] == 1
    assert session.info["arena_bytes"] > 0


def test_sessions_outlive_their_model():
    session = aneref.load(nets.addition()).session()
    gc.collect()
    assert session.predict({"a": A, "b": A})["total"][0, 0] == 2


def test_closed_sessions_refuse():
    with aneref.load(nets.addition()).session() as session:
        pass
    with pytest.raises(aneref.AnerefError) as caught:
        session.run()
    assert caught.value.status == "invalid_handle"
    session.close()


def test_session_states():
    session = aneref.load(nets.accumulator()).session()
    session.predict({"x": [1, 2, 3]})
    assert session.get_state("memory").tolist() == [1, 2, 3]
    session.set_state("memory", [5, 5, 5])
    assert session.predict({"x": [1, 2, 3]})["total"].tolist() == [6, 7, 8]
    session.reset_states()
    assert session.predict({"x": [1, 2, 3]})["total"].tolist() == [1, 2, 3]
