"""Predictions: dicts in and out as Core ML gives them, pictures, labels, states, shapes, refusals. Values by hand."""
import pathlib
import threading

import nets
import numpy as np
import pytest

import aneref

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIGITS = ROOT / "examples" / "digits" / "digits.anem"
A = np.array([[1, 2, 3], [4, 5, 6]], np.float16)
B = np.array([[10, 20, 30], [40, 50, 60]], np.float16)
TOTAL = [[11, 22, 33], [44, 55, 66]]


def test_sum_of_two_inputs():
    result = aneref.load(nets.addition()).predict({"a": A, "b": B})
    assert list(result) == ["total"]
    assert result["total"].tolist() == TOTAL
    assert result["total"].dtype == np.float32  # as the file declares it


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.uint8, np.int32, np.int64, ">f4", ">i2"])
def test_any_numeric_type_converts(dtype):
    assert aneref.load(nets.addition()).predict({"a": A.astype(dtype), "b": B})["total"].tolist() == TOTAL


def test_lists_do_as_arrays():
    assert aneref.load(nets.addition()).predict({"a": A.tolist(), "b": B})["total"].tolist() == TOTAL


@pytest.mark.parametrize("view", [lambda x: np.asfortranarray(x), lambda x: x.T.copy().T, lambda x: np.flip(np.flip(x, 1).copy(), 1),
                                  lambda x: np.repeat(x, 2, axis=1)[:, ::2], lambda x: x[:, :]])
def test_any_strides_are_read(view):
    viewed = view(A)
    assert viewed.tolist() == A.tolist()
    assert aneref.load(nets.addition()).predict({"a": viewed, "b": B})["total"].tolist() == TOTAL


def test_repeated_elements_are_read():
    model = aneref.load(nets.addition())
    assert model.predict({"a": np.broadcast_to(np.float16(1), (2, 3)), "b": B})["total"].tolist() == [[11, 21, 31], [41, 51, 61]]
    assert model.predict({"a": np.broadcast_to(A[:1], (2, 3)), "b": B})["total"].tolist() == [[11, 22, 33], [41, 52, 63]]


def test_list_of_dicts_gives_a_list():
    results = aneref.load(nets.addition()).predict([{"a": A, "b": B}, {"a": B, "b": B}])
    assert [r["total"].tolist() for r in results] == [TOTAL, [[20, 40, 60], [80, 100, 120]]]


def test_portable_rounds_to_half_and_fp32_does_not():
    tensors = {"a": np.full((2, 3), 2048, np.float32), "b": np.full((2, 3), 1, np.float32)}
    half = aneref.load(nets.addition()).predict(tensors)["total"]
    full = aneref.load(nets.addition(), numerics="fp32").predict(tensors)["total"]
    assert half[0, 0] == 2048  # 2049 lies between two halves; ties go to even
    assert full[0, 0] == 2049


def test_open_extents_follow_the_data():
    model = aneref.load(nets.addition([-1, 2], names=["rows", ""]))
    assert model.inputs[0].shape == (-1, 2)
    assert "rows" in str(model.inputs[0])
    for rows in (1, 4, 2, 4):
        data = np.arange(2 * rows, dtype=np.float32).reshape(rows, 2)
        assert model.predict({"a": data, "b": data})["total"].tolist() == (2 * data).tolist()


def test_many_shapes_keep_few_plans():
    model = aneref.load(nets.addition([-1, 2], names=["rows", ""]))
    for rows in range(1, 20):
        data = np.ones((rows, 2), np.float16)
        assert model.predict({"a": data, "b": data})["total"].shape == (rows, 2)
    assert len(model._plans) <= 8


# ---- states ----

def test_states_are_carried_by_the_state_object():
    model = aneref.load(nets.accumulator())
    assert [port.name for port in model.inputs] == ["x"]
    assert [port.name for port in model.states] == ["memory"]
    state, other = model.make_state(), model.make_state()
    assert model.predict({"x": [1, 2, 3]}, state)["total"].tolist() == [1, 2, 3]
    assert model.predict({"x": [1, 1, 1]}, state)["total"].tolist() == [2, 3, 4]
    assert model.predict({"x": [5, 5, 5]}, other)["total"].tolist() == [5, 5, 5]
    assert state.read_state("memory").tolist() == [2, 3, 4]
    state.write_state("memory", [10, 10, 10])
    assert model.predict({"x": [1, 2, 3]}, state)["total"].tolist() == [11, 12, 13]


def test_without_a_state_a_model_starts_from_zero():
    model = aneref.load(nets.accumulator())
    for _ in range(2):
        assert model.predict({"x": [1, 2, 3]})["total"].tolist() == [1, 2, 3]


def test_state_of_another_shape_is_refused():
    state = aneref.load(nets.accumulator()).make_state()
    with pytest.raises(aneref.InvalidArgument, match="shape"):
        state.write_state("memory", [1, 2])


# ---- pictures and labels ----

PIXELS = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)  # one row, two pixels, RGB


@pytest.mark.parametrize("image, planes", [("rgb", [[[1, 4]], [[2, 5]], [[3, 6]]]), ("bgr", [[[3, 6]], [[2, 5]], [[1, 4]]])])
def test_colour_pixels_become_planes(image, planes):
    result = aneref.load(nets.negated_picture(image, 3)).predict({"picture": PIXELS})
    assert (-result["negated"][0]).tolist() == planes
    assert np.asarray(result["copy"]).tolist() == PIXELS.tolist()


def test_grayscale_pixels_become_a_plane():
    result = aneref.load(nets.negated_picture("grayscale", 1)).predict({"picture": np.array([[7, 9]], np.uint8)})
    assert result["negated"].tolist() == [[[[-7, -9]]]]
    assert np.asarray(result["copy"]).tolist() == [[7, 9]]


def test_planes_are_taken_as_they_are():
    planes = np.array([[[[1, 4]], [[2, 5]], [[3, 6]]]], np.float32)
    result = aneref.load(nets.negated_picture("rgb", 3)).predict({"picture": planes})
    assert (-result["negated"]).tolist() == planes.tolist()


def test_pil_pictures_in_and_out():
    image_module = pytest.importorskip("PIL.Image")
    result = aneref.load(nets.negated_picture("bgr", 3)).predict({"picture": image_module.fromarray(PIXELS)})
    assert (-result["negated"][0]).tolist() == [[[3, 6]], [[2, 5]], [[1, 4]]]
    assert isinstance(result["copy"], image_module.Image)
    assert np.asarray(result["copy"]).tolist() == PIXELS.tolist()


def test_classifier_gives_the_label_and_probabilities_by_label():
    result = aneref.load(nets.classifier()).predict({"x": [[0.25, -0.5, 0.125]]})
    assert result == {"classLabel": "bee", "probabilities": {"ant": 0.25, "bee": 0.5, "cat": 0.125}}


def test_classifier_label_has_the_name_of_the_source():
    result = aneref.load(nets.classifier({"predicted_feature": "animal"})).predict({"x": [[0.25, 0.5, 0.75]]})
    assert result["animal"] == "cat"
    assert "classLabel" not in result


def test_digits_are_read():
    model = aneref.load(DIGITS)
    image_module = pytest.importorskip("PIL.Image")
    for digit in range(10):
        picture = image_module.open(DIGITS.parent / "samples" / f"digit_{digit}.png")
        assert model.predict({"image": picture})["classLabel"] == str(digit)


# ---- refusals ----

@pytest.mark.parametrize("data, words", [
    ({"a": A}, "'b' is missing"), ({"a": A, "b": B, "c": A}, "no input is called 'c'"), ({}, "'a', 'b' is missing")])
def test_wrong_names_are_refused_and_named(data, words):
    with pytest.raises(aneref.InvalidArgument, match=words):
        aneref.load(nets.addition()).predict(data)


@pytest.mark.parametrize("value", [np.zeros((3, 2)), np.zeros(6), np.zeros((2, 3, 1)), np.zeros((1,) * 9), np.array("text"),
                                   np.zeros((2, 3), complex), np.zeros((2, 3), object), None])
def test_wrong_values_are_refused(value):
    with pytest.raises(aneref.InvalidArgument):
        aneref.load(nets.addition()).predict({"a": value, "b": B})


@pytest.mark.parametrize("content", [b"", b"ANEM", b"no network at all" * 10, nets.addition()[:-8]])
def test_damaged_files_are_refused(content):
    with pytest.raises(aneref.AnerefError):
        aneref.load(content)


def test_missing_file_is_an_os_error():
    with pytest.raises(OSError, match="nowhere.anem"):
        aneref.load("nowhere.anem")


@pytest.mark.parametrize("options, words", [({"target": "m99"}, "m99"), ({"numerics": "exact"}, "exact"),
                                            ({"precision": "half"}, "half")])
def test_unknown_options_are_refused(options, words):
    with pytest.raises(aneref.AnerefError, match=words):
        aneref.load(nets.addition(), **options)


def test_too_little_memory_is_an_error():
    with pytest.raises(aneref.AnerefError) as caught:
        aneref.load(nets.chain(3, 100000), max_memory=1000)
    assert caught.value.status == "limit"


# ---- several threads ----

def test_threads_share_a_model():
    model = aneref.load(nets.addition(), threads=1)
    wrong = []

    def work(number):
        for i in range(50):
            total = model.predict({"a": np.full((2, 3), number), "b": np.full((2, 3), i)})["total"]
            if not (total == number + i).all():
                wrong.append((number, i, total))

    workers = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


# ---- scripts for coremltools ----

def test_one_changed_import_is_enough():
    ct = aneref
    model = ct.models.MLModel(nets.addition(), compute_units=ct.ComputeUnit.CPU_AND_NE)
    assert model.predict({"a": A, "b": B})["total"].tolist() == TOTAL
    assert model.compute_unit is ct.ComputeUnit.CPU_AND_NE
    assert set(model.input_description) == {"a", "b"}
